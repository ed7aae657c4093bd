# SPDX-License-Identifier: Apache-2.0
"""CommonJS modules of a node_modules folder as one script for a page."""
import json
import os
import re

REQUIRE = re.compile(r"""\brequire\((['"])([^'"]+)\1\)""")
LOADER = """(() => {
const files = {%s};
const loaded = {};
function load(path) {
    if (!loaded[path]) {
        const [code, names] = files[path], module = loaded[path] = {exports: {}};
        code.call(module.exports, module, module.exports, (name) => load(names[name]), {env: {}});
    }
    return loaded[path].exports;
}
globalThis[%s] = load(%s);
})();
"""


def package_main(folder):
    with open(os.path.join(folder, "package.json"), encoding="utf-8") as file:
        package = json.load(file)
    browser = package.get("browser")
    return os.path.join(folder, browser if isinstance(browser, str) else package.get("main", "index.js"))


def existing(path):
    for name in (path, path + ".js", os.path.join(path, "index.js")):
        if os.path.isfile(name):
            return os.path.normpath(name)
    raise FileNotFoundError(path)


def resolve(name, origin, modules):
    """The file that `name` means in a file of that folder."""
    if name.startswith("."):
        return existing(os.path.join(origin, name))
    return existing(package_main(os.path.join(modules, name)))


def bundle(name, modules, variable):
    """A script that defines globalThis.VARIABLE as the exports of package `name`."""
    first = resolve(name, modules, modules)
    waiting, files = [first], {}
    while waiting:
        path = waiting.pop()
        if path in files:
            continue
        with open(path, encoding="utf-8") as file:
            code = file.read()
        if path.endswith(".json"):
            code = "module.exports = " + code + ";"
        names = {wanted: resolve(wanted, os.path.dirname(path), modules) for _, wanted in REQUIRE.findall(code)}
        files[path] = (code, names)
        waiting += names.values()
    text = ",\n".join("%s: [function (module, exports, require, process) {%s\n}, %s]" %
                      (json.dumps(path), code, json.dumps(names)) for path, (code, names) in files.items())
    return LOADER % (text, json.dumps(variable), json.dumps(first))
