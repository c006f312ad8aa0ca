"""From the SVG documents of the figures to drawings that stand side by side in one page."""

import re
from xml.etree import ElementTree

_REFERENCE = re.compile(r"(^|url\()#([^)\s\"']+)")
_LONG_NUMBER = re.compile(r"(-?\d+\.\d{2})\d+")
_SPACES = re.compile(r"\s*\n\s*")
# Attributes that hold places; a hundredth of a point is below what the largest zoom shows. Transforms are left alone:
# they hold factors, too.
_COORDINATES = ("d", "x", "y", "width", "height")


def inline(document: str, prefix: str, label: str) -> str:
    """A drawing as an element of a page: ids of its own, a name, no styles that reach beyond it.

    Args:
        document: an SVG document.
        prefix: of all ids, different for each drawing of a page.
        label: what it shows, for those who do not see it.

    Returns:
        The element `svg`, which fills what it is put into.

    Raises:
        ValueError: If the document is not SVG.
    """
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise ValueError(f"{prefix} is not an SVG document: {error}") from None
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    values = [value for element in root.iter() for value in element.attrib.values()]
    used = {name for value in values for _, name in _REFERENCE.findall(value)}
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = dict(_attributes(element, prefix, used))
        if not (element.text or "").strip():
            element.text = None
        element.tail = None
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": label, "focusable": "false", "preserveAspectRatio": "xMidYMid meet"}
    return ElementTree.tostring(root, encoding="unicode")


def _attributes(element: ElementTree.Element, prefix: str, used: set[str]) -> list[tuple[str, str]]:
    found = []
    for name, value in element.attrib.items():
        local = _local(name)
        if local == "id":
            if value in used:
                found.append((local, f"{prefix}-{value}"))
            continue
        text = _REFERENCE.sub(rf"\1#{prefix}-\2", value) if local == "href" or "url(" in value else value
        if local in _COORDINATES:
            text = _LONG_NUMBER.sub(r"\1", _SPACES.sub(" ", text)).strip()
        found.append((local, text))
    return found


def _local(name: str) -> str:
    """A name without its namespace: in a page of HTML that of SVG is implied."""
    return name.rpartition("}")[2]
