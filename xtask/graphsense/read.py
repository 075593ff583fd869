"""Reads a server with GraphSense's own client, as its users do; prints what it read as JSON.

    python read.py <url> <key> <currency> <address> <transaction>
"""

import json
import sys

import graphsense
from graphsense.api import addresses_api, general_api, txs_api


def main():
    url, key, currency, address, tx = sys.argv[1:]
    settings = graphsense.Configuration(host=f"{url}/graphsense", api_key={"api_key": f"Bearer {key}"})
    with graphsense.ApiClient(settings) as client:
        general = general_api.GeneralApi(client)
        addresses = addresses_api.AddressesApi(client)
        stats = general.get_statistics()
        found = general.search(q=address)
        one = addresses.get_address(currency, address)
        tags = addresses.list_tags_by_address(currency, address)
        pages, page = [], None
        while True:
            part = addresses.list_address_txs(currency, address, pagesize=1, page=page)
            pages.extend(row.to_dict() for row in part.address_txs)
            page = part.next_page
            if not page:
                break
        neighbors = addresses.list_address_neighbors(currency, address, direction="in")
        transaction = txs_api.TxsApi(client).get_tx(currency, tx, include_io=True)
        print(json.dumps({
            "stats": stats.to_dict(),
            "search": found.to_dict(),
            "address": one.to_dict(),
            "tags": tags.to_dict(),
            "txs": pages,
            "neighbors": neighbors.to_dict(),
            "tx": transaction.to_dict(),
        }))


if __name__ == "__main__":
    main()
