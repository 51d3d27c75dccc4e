"""An edition of the book: the models, accelerator, link and scenario that its chapters, figures and tables speak of."""
