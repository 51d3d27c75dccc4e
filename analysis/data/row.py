"""What every row of the data carries, and the words in which its columns are described."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from analysis.data.cells import Printed, split_words, true_or_false
from analysis.data.units import RANGES

Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]
Width = Annotated[float, Field(gt=0, le=4)]
Words = Annotated[tuple[str, ...], BeforeValidator(split_words)]
TrueFalse = Annotated[bool, BeforeValidator(true_or_false)]
PrintedNumber = Annotated[Printed, PlainValidator(Printed.parse)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
Name = Annotated[str, Field(min_length=1)]
Reference = Name  # an id of another file; in a reader's own row also a path
Known = Literal["exact", "published", "measured", "derived", "assumed", "announced"]
Order = Literal["as_printed", "reordered"]
Mechanism = Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")]


def column(meaning: str = "", unit: str = "", default=..., allowed: str = "", within: str = ""):
    """Describe a column; `default=None` makes it optional, `allowed` overrides the range printed for it.

    `within` names its range in `RANGES`.
    """
    low, high = RANGES.get(within, (None, None))
    return Field(default, ge=low, le=high, description=meaning, json_schema_extra={"unit": unit, "allowed": allowed})


def measure(name: str, meaning: str = "", unit: str = "", default=...):
    """Describe a column of measures in a unit, with the range of its name."""
    return column(meaning, unit, default, within=name)


class Row(BaseModel):
    """What every row carries: a name, and where its values come from."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False, defer_build=True
    )

    id: Id = column("name used on the command line and in notebooks", allowed="lower-case letters, digits, . and -")
    name: Name = column("name for readers")
    source: Name = column("where the values were published: addresses, or repository@commit:path, joined by ;")
    locator: Name = column("the table, section or file part in which the source says so")
    known: Known = column("how the values are known; the weakest of them decides")
    note: str = column("what a reader must know before using the row", default="")
