# SPDX-License-Identifier: Apache-2.0
"""The programs of the bench: what is compiled, by what, and how."""
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
FRAME_POINTERS = {
    "nofp": ["-fomit-frame-pointer"],
    "fp": ["-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer"],
}
LINKS = {
    "pie": (["-fPIE"], ["-pie"]),
    "nopie": (["-fno-pie"], ["-no-pie"]),
    "static": (["-fno-pie"], ["-static"]),
    "static-pie": (["-fPIE"], ["-static-pie"]),
}
C_FLAGS = ["-O2", "-g0", "-D_GNU_SOURCE"]
PLUGINS = 8


class Row:
    """A program as one toolchain makes it."""

    def __init__(self, program, toolchain, options, quick=False):
        self.program, self.toolchain, self.options, self.quick = program, toolchain, options, quick
        self.name = " ".join([program, toolchain, *options])
        self.absent = ""  # why there is no such program here
        self.deleted = "deleted" in options

    def source(self, name):
        return f"{HERE}/{name}"

    def build(self, directory):
        """The command, or None."""
        self.directory = f"{directory}/{self.name.replace(' ', '_')}"
        os.makedirs(self.directory, exist_ok=True)
        self.output = f"{self.directory}/{self.program}"
        tool = {"g++": "g++", "clang++": "clang++"}.get(self.toolchain, self.toolchain)
        if not shutil.which(tool):
            self.absent = f"{tool} is not installed"
            return None
        try:
            {"rustc": self.build_rust, "go": self.build_go}.get(self.toolchain, self.build_c)()
        except subprocess.CalledProcessError as error:
            lines = error.stderr.strip().splitlines() or ["?"]
            self.absent = next((l for l in lines if "error" in l or "cannot" in l), lines[-1])[:100]
            return None
        return [self.output]

    def run(self, *command, **more):
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.directory, **more)

    def build_c(self):
        link = next((o for o in self.options if o in LINKS), "pie")
        code, linked = LINKS[link]
        flags = C_FLAGS + code + FRAME_POINTERS["fp" if "fp" in self.options else "nofp"]
        if "nocfi" in self.options:
            flags += ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"]
        dynamic = "static" not in link
        sources, libraries = [self.source("bursts.c")], []
        if self.program == "exceptions":
            c = {"g++": "gcc", "clang++": "clang"}[self.toolchain]
            self.run(c, *flags, "-c", *sources, "-o", "bursts.o")
            self.run(self.toolchain, *flags, *linked, self.source("exceptions.cc"), "bursts.o", "-o", self.output)
            return
        if self.program == "paths":
            sources += [self.source("paths.c"), self.source("assembler.S")]
            if dynamic:
                self.run(self.toolchain, *flags, "-fPIC", "-shared", self.source("library.c"), "-o", "liblibrary.so")
                libraries = [f"{self.directory}/liblibrary.so", f"-Wl,-rpath,{self.directory}"]
            else:
                sources.append(self.source("library.c"))
        if self.program == "switches":
            sources += [self.source("switches.c"), self.source("assembler.S")]
            libraries = ["-pthread"]
            if dynamic:
                for number in range(PLUGINS):
                    self.run(self.toolchain, *flags, "-fPIC", "-shared", f"-DNAME=churn_{number}", f"-DFRAME_BYTES={64 + 72 * number}",
                             self.source("churn_plugin.c"), "-o", f"plugin{number}.so")
                flags += ["-DWITH_PLUGINS", f'-DPLUGIN_PATH="{self.directory}/plugin"']
                libraries += ["-ldl"]
        self.run(self.toolchain, *flags, *linked, *sources, *libraries, "-o", self.output)

    def build_rust(self):
        more = ["-Cforce-frame-pointers=yes"] if "fp" in self.options else []
        self.run("rustc", "--edition", "2021", "-O", *more, self.source("bursts.rs"), "-o", self.output)

    def build_go(self):
        cgo = self.program == "cgo"
        for name in ["bursts.go", "bursts_cgo.go" if cgo else "bursts_go.go"]:
            shutil.copy(self.source(name), self.directory)
        with open(f"{self.directory}/go.mod", "w", encoding="ascii") as file:
            file.write("module bursts\n\ngo 1.16\n")
        stripped = ["-ldflags=-s -w"] if "stripped" in self.options else []
        self.run("go", "build", *stripped, "-o", self.output, ".", env={**os.environ, "CGO_ENABLED": str(int(cgo)), "GOFLAGS": "-mod=mod"})


def rows():
    """All rows; the ones of --quick are those that differ most from one another."""
    for compiler in ("gcc", "clang"):
        for program in ("paths", "switches"):
            for options in (("nofp", "pie"), ("fp", "pie"), ("nofp", "nopie"), ("nofp", "static"), ("nofp", "static-pie"), ("fp", "static")):
                quick = options == ("nofp", "pie") or (compiler == "gcc" and options in (("fp", "pie"), ("nofp", "static")))
                yield Row(program, compiler, options, quick)
    for program in ("paths", "switches"):
        for options in (("nofp", "pie"), ("nofp", "static"), ("fp", "static")):
            yield Row(program, "musl-gcc", options, options == ("nofp", "static"))
    for compiler in ("g++", "clang++"):
        for options in (("nofp", "pie"), ("fp", "pie"), ("nofp", "static")):
            yield Row("exceptions", compiler, options, compiler == "g++" and options == ("nofp", "pie"))
    yield Row("rust", "rustc", ("nofp",), True)
    yield Row("rust", "rustc", ("fp",))
    yield Row("go", "go", (), True)
    yield Row("cgo", "go", (), True)
    # Not cgo: the C functions of a stripped program have no names to compare.
    yield Row("go", "go", ("stripped",), True)
    yield Row("paths", "gcc", ("nofp", "pie", "deleted"))
    yield Row("paths", "gcc", ("fp", "pie", "nocfi"))
