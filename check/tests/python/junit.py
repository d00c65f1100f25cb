"""Says what of a JUnit report does not agree with the schema that Jenkins reads it by.

That schema is junit-10.xsd of Jenkins' xUnit plugin. What stands below is the part of it that a
report of this project can touch: which element holds which, which attributes it may and must have,
and how their values are written. Exit code 1 when something does not agree.
"""
import re
import sys
import xml.etree.ElementTree as xml

NUMBER, TEXT = r"[0-9]+", r"(?s:.*)"
SECONDS = r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,3})?"

# element: (its children, attributes it must have, attributes it may have, whether it holds text)
SCHEMA = {
    "testsuites": (
        {"testsuite"}, {},
        {"name": TEXT, "time": SECONDS, "tests": NUMBER, "failures": NUMBER, "errors": NUMBER,
         "disabled": NUMBER}, False),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name": TEXT, "tests": NUMBER, "failures": NUMBER, "errors": NUMBER},
        {"group": TEXT, "time": SECONDS, "skipped": NUMBER, "timestamp": TEXT, "hostname": TEXT,
         "id": TEXT, "package": TEXT, "file": TEXT, "log": TEXT, "url": TEXT, "version": TEXT},
        False),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"}, {"name": TEXT},
        {"assertions": TEXT, "time": SECONDS, "classname": TEXT, "status": TEXT, "class": TEXT,
         "file": TEXT, "line": TEXT, "log": TEXT, "group": TEXT, "url": TEXT}, False),
    "skipped": (set(), {}, {"type": TEXT, "message": TEXT}, True),
    "error": (set(), {}, {"type": TEXT, "message": TEXT}, True),
    "failure": (set(), {}, {"type": TEXT, "message": TEXT}, True),
}


def problems(element):
    if element.tag not in SCHEMA:
        yield f"no such element: {element.tag}"
        return
    children, must, may, holds_text = SCHEMA[element.tag]
    for name in must.keys() - element.attrib.keys():
        yield f"{element.tag} has no {name}"
    for name, value in element.attrib.items():
        pattern = must.get(name) or may.get(name)
        if pattern is None:
            yield f"{element.tag} cannot have {name}"
        elif not re.fullmatch(pattern, value):
            yield f"{element.tag}: {name} is written {value!r}"
    texts = [element.text] + [child.tail for child in element]
    if not holds_text and any((text or "").strip() for text in texts):
        yield f"text in {element.tag}"
    for child in element:
        if child.tag not in children:
            yield f"{child.tag} in {element.tag}"
        yield from problems(child)
    if element.tag == "testsuite":
        cases = element.findall("testcase")
        counts = {"tests": len(cases), "skipped": 0, "errors": 0, "failures": 0}
        for count, tag in ("skipped", "skipped"), ("errors", "error"), ("failures", "failure"):
            counts[count] = sum(case.find(tag) is not None for case in cases)
        for name, count in counts.items():
            if int(element.get(name, count)) != count:
                yield f"{name} is {element.get(name)}, and there are {count}"


root = xml.parse(sys.argv[1]).getroot()
found = list(problems(root))
if root.tag != "testsuites":
    found.append(f"the root is {root.tag}")
print(*found, sep="\n")
sys.exit(1 if found else 0)
