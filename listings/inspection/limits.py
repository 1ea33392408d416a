"""How much of anything is read. Past a limit a file is refused or stored unread, never half believed."""

from __future__ import annotations

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE

COLUMNS_MAX = 2_000
LINE_BYTES_MAX = 16 * MEBIBYTE
BLOCK_BYTES = 4 * MEBIBYTE
TEXT_BYTES_MAX = 8 * GIBIBYTE

SAMPLE_ROWS = 20
CELL_SHOWN_MAX = 500
EXAMPLE_SHOWN_MAX = 120
PROBLEMS_PER_KIND_MAX = 20

# Exact counts of distinct values need memory in step with the cells; past this they are estimates.
EXACT_DISTINCT_CELLS_MAX = 3_000_000
TABLE_CELLS_MAX = 8_000_000  # up to here the rows are held by the engine, past it they are read again per question
HEAD_ROWS = 5_000
HEAD_CELLS_MAX = 500_000
BATCH_CELLS = 300_000
TWIN_GROUP_CELLS = 2_000_000
ENGINE_MEMORY = "768MB"
ENGINE_THREADS = 2

# calamine holds a whole sheet, empty cells included, at some 32 bytes a cell.
WORKBOOK_BYTES_MAX = 200 * MEBIBYTE
WORKBOOK_UNPACKED_BYTES_MAX = 1 * GIBIBYTE
WORKBOOK_CELLS_MAX = 20_000_000
WORKBOOK_PARTS_MAX = 10_000

JSON_VALUE_CHARS_MAX = 64 * MEBIBYTE

ZIP_MEMBERS_MAX = 1_000
ZIP_UNPACKED_BYTES_MAX = 8 * GIBIBYTE
ZIP_RATIO_MAX = 200
ZIP_RATIO_FREE_BYTES = 32 * MEBIBYTE  # below this a high ratio harms nobody: blank tables pack 1:500
ZIP_DEPTH_MAX = 1  # a ZIP may hold a ZIP; that one may not
