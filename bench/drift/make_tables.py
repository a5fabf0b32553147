"""Writes two tables of one distribution: make_tables.py DIRECTORY NAME ROWS NUMERIC CATEGORICAL FORMAT..."""

import sys

import numpy
import pyarrow
import pyarrow.csv
import pyarrow.parquet

CHUNK = 500_000


def columns(rows, numeric, categorical, generator):
    """Numbers as they come from the world: some of few digits, some long, normal and with a heavy tail."""
    made = {}
    for index in range(numeric):
        kind = index % 4
        if kind == 0:
            values = generator.normal(50, 12, rows)
        elif kind == 1:
            values = numpy.round(generator.lognormal(3, 1, rows), 2)
        elif kind == 2:
            values = generator.integers(0, 100_000, rows)
        else:
            values = numpy.round(generator.gamma(2, 3, rows), 4)
        made[f"number_{index}"] = values
    for index in range(categorical):
        levels = numpy.array([f"level {level}" for level in range(4 + 12 * index)])
        made[f"category_{index}"] = pyarrow.DictionaryArray.from_arrays(
            pyarrow.array(generator.integers(0, len(levels), rows, dtype=numpy.int32)), pyarrow.array(levels)
        ).cast(pyarrow.string())
    return made


def write(directory, name, rows, numeric, categorical, formats, seed):
    generator = numpy.random.default_rng(seed)
    writers = []
    for start in range(0, rows, CHUNK):
        table = pyarrow.table(columns(min(CHUNK, rows - start), numeric, categorical, generator))
        if not writers:
            if "csv" in formats:
                options = pyarrow.csv.WriteOptions(quoting_style="needed")
                writers.append(pyarrow.csv.CSVWriter(f"{directory}/{name}.csv", table.schema, write_options=options))
            if "parquet" in formats:
                writers.append(
                    pyarrow.parquet.ParquetWriter(f"{directory}/{name}.parquet", table.schema, compression="zstd")
                )
        for writer in writers:
            writer.write_table(table)
    for writer in writers:
        writer.close()


directory, name, rows, numeric, categorical, *formats = sys.argv[1:]
for seed, side in enumerate(["reference", "current"]):
    write(directory, f"{name}-{side}", int(rows), int(numeric), int(categorical), formats, seed)
