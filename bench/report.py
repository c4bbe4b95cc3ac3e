"""A table of figures: a line each, a column a server, and how much of it the peers take."""


def print_table(title, figures, names, digits=3):
    """`figures` is {what: {server: number}}; one that no server has is left out."""
    peers = [name for name in names if name != "barograph"] if "barograph" in names else []
    width = max(map(len, [title, *figures]))
    print(f"{title:{width}}" + "".join(f"{name:>18}" for name in names) +
          "".join(f"{name + ' / ours':>26}" for name in peers))
    for what, values in figures.items():
        line = f"{what:{width}}" + "".join(f"{_number(values.get(name), digits):>18}"
                                           for name in names)
        ours = values.get("barograph")
        for peer in peers:
            comparable = ours and values.get(peer) is not None
            line += f"{f'{values[peer] / ours:.2f}' if comparable else '':>26}"
        print(line)


def _number(value, digits):
    if value is None:
        return "-"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}f}"
