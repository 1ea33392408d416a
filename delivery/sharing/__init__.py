"""Delta Sharing: what the protocol makes of a contract.

    share    a contract
    schema   `default`
    table    a file that has a Parquet form, through all releases the contract covers
    version  a release of the listing, by its number; its time is when it was published

Source: delta-io/delta-sharing, PROTOCOL.md. The doors are `delivery/sharing_api.py`.
"""

SCHEMA = "default"
