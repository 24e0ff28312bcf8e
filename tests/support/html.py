"""A page as a browser takes it apart: enough to ask what is in it and whether it is put together well."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "hr", "img", "source"}


@dataclass
class Element:
    """One element: its tag, its attributes, the text inside it, and the elements around it."""

    tag: str
    attributes: dict[str, str | None]
    around: tuple[str, ...]
    text: str = ""

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name) or ""


@dataclass
class Page(HTMLParser):
    """A parsed page. `mistakes` names tags that were not closed as they were opened, and ids given twice."""

    source: str
    elements: list[Element] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []
        self.feed(self.source)
        self.close()
        self.mistakes += [f"<{element.tag}> is never closed" for element in self._open]
        ids = [element["id"] for element in self.elements if "id" in element.attributes]
        self.mistakes += [f"id {one} is given twice" for one in set(ids) if ids.count(one) > 1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element; one with children stays open."""
        names = [name for name, _ in attrs]
        self.mistakes += [f"{name} twice in <{tag}>" for name in set(names) if names.count(name) > 1]
        element = Element(tag, dict(attrs), tuple(one.tag for one in self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that must be open."""
        if not self._open or self._open[-1].tag != tag:
            self.mistakes.append(f"</{tag}> closes nothing")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Text belongs to every element around it."""
        for element in self._open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        """The elements with one of these tags."""
        return [element for element in self.elements if element.tag in tags]

    def by_id(self, wanted: str) -> Element:
        """The element with this id."""
        return next(element for element in self.elements if element["id"] == wanted)

    def inputs(self) -> dict[str, Element]:
        """The fields of the form, by their names."""
        return {one["name"]: one for one in self.all("input", "select", "textarea") if one["name"]}

    def chosen(self, select: str) -> str:
        """The value a select stands at."""
        start = self.elements.index(self.inputs()[select])
        options = []
        for element in self.elements[start + 1 :]:
            if element.tag != "option":
                break
            options.append(element)
        return next((one["value"] for one in options if "selected" in one.attributes), options[0]["value"])
