// Which results of a search come first: the chapter that explains what readers type, then chapters, then lists and code.
// Sphinx puts this file into its search; without it a notebook that bears the words in its title comes before the chapter.
var STUDY_FIRST = {  // words of a query, in any order, and the page that answers them
  "all-to-all": "interconnect",
  "batch size": "glossary",
  "cost per token": "service",
  "drafts": "thesis_service",
  "experts": "experts",
  "expert parallelism": "experts",
  "fp8": "today",
  "kv cache": "attention",
  "linear attention": "states",
  "load imbalance": "skew",
  "mamba": "states",
  "memory bandwidth": "ridge",
  "mla": "attention",
  "moe": "experts",
  "mtp": "thesis_service",
  "nvlink": "interconnect",
  "pim": "pim",
  "predict": "predict",
  "prefill": "reordering",
  "quantization": "today",
  "ridge point": "ridge",
  "roofline": "ridge",
  "skew": "skew",
  "sparse attention": "sparse",
  "speculative decoding": "thesis_service",
  "tensor parallelism": "thesis_service",
  "throughput": "serving",
  "time to first token": "predict",
  "tpot": "serving",
  "ttft": "predict",
};
var STUDY_LATER = [  // pages that mention everything, and how far they stand back
  [/^(notebooks|reference)\//, -40],
  [/^(data|results|glossary|notation|cite|references|related|rerun|ledger|tables|summary)$/, -20],
];

function studyWords(text) {
  return text.toLowerCase().split(/[^\w-]+/).filter(Boolean).sort().join(" ");
}

function studyScore(page, query) {
  const asked = studyWords(query);
  const first = Object.keys(STUDY_FIRST).find((words) => studyWords(words) === asked);
  const later = STUDY_LATER.find(([pages]) => pages.test(page));
  return (first !== undefined && STUDY_FIRST[first] === page ? 200 : 0) + (later ? later[1] : 0);
}

var Scorer = {
  score: ([page, , , , score]) => score + studyScore(page, new URLSearchParams(window.location.search).get("q") || ""),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
