"""Bills as papers: the same document as PDF, as a workbook and as CSV."""
