"""The `ml:` block of a YAML file as plain values, strictly and in bounded time.

Only that block is built, and only two levels of it, so that aliases which unfold without end are never unfolded; other
blocks are the bot's own and may use what YAML has to offer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from grinder_resources.errors import ConfigRejected

BLOCK = "ml"


def ml_block(data: bytes, where: str) -> dict[str, Any]:
    """Return the settings by name: single values, lists of them, and mappings of them.

    Raises ConfigRejected for anything that is no YAML mapping with an `ml:` block, for a key that is twice there, and
    for values that are nested deeper.
    """
    import yaml

    with _one_line(where):
        loader = yaml.SafeLoader(data)
        document = _items(loader.get_single_node(), where)
        if BLOCK not in document:
            raise ConfigRejected("the settings have no `ml:` block", where=where, got=", ".join(document)[:100])
        block = _items(document[BLOCK], f"{where}: {BLOCK}")
        return {name: _value(loader, node, f"{where}: {name}") for name, node in block.items()}


def _items(node: Any, where: str) -> dict[str, Any]:
    """Return the nodes of a mapping by key."""
    import yaml

    if not isinstance(node, yaml.MappingNode):
        raise ConfigRejected("settings are names with values", where=where, got=getattr(node, "id", "nothing"))
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else key.id
        if name in found:
            raise ConfigRejected("a key appears twice", where=where, got=name[:60])
        found[name] = value
    return found


def _value(loader: Any, node: Any, where: str) -> Any:
    import yaml

    if isinstance(node, yaml.MappingNode):
        return {name: _scalar(loader, one, where) for name, one in _items(node, where).items()}
    if isinstance(node, yaml.SequenceNode):
        return [_scalar(loader, one, where) for one in node.value]
    return _scalar(loader, node, where)


def _scalar(loader: Any, node: Any, where: str) -> Any:
    import yaml

    if not isinstance(node, yaml.ScalarNode):
        raise ConfigRejected("settings are not nested so deeply", where=where, got=node.id)
    return loader.construct_object(node)


@contextmanager
def _one_line(where: str) -> Iterator[None]:
    """Turn whatever YAML's reader raises, and it raises many things, into one line."""
    try:
        yield
    except ConfigRejected:
        raise
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigRejected("the settings are not YAML", where=where, got=text[:160]) from error
