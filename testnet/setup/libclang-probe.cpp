// Does what bindgen will do when RocksDB's bindings are made: loads the given libclang and parses a C header that
// includes compiler headers. Being C++20 itself, it also shows that the C++ compiler is new enough.
//
//     libclang-probe LIBRARY [CLANG-ARGUMENT…]      exit 0: works; 1: cannot be loaded; 2: cannot find its headers

#include <dlfcn.h>

#include <concepts>
#include <cstdio>
#include <span>

// The few names of libclang's stable C interface that are used here.
struct String {
    const void *data;
    unsigned flags;
};
struct File {
    const char *name;
    const char *contents;
    unsigned long length;
};

template <std::invocable<> Reason>
int fail(int code, const char *what, Reason reason) {
    std::fprintf(stderr, "%s: %s\n", what, reason());
    return code;
}

int main(int argc, char **argv) {
    if (argc < 2) return 1;
    std::span<char *> arguments(argv + 2, static_cast<std::size_t>(argc - 2));
    void *library = dlopen(argv[1], RTLD_LAZY);
    if (!library) return fail(1, argv[1], [] { return dlerror(); });

    auto create_index = reinterpret_cast<void *(*)(int, int)>(dlsym(library, "clang_createIndex"));
    auto parse = reinterpret_cast<void *(*)(void *, const char *, const char *const *, int, File *, unsigned, unsigned)>(
        dlsym(library, "clang_parseTranslationUnit"));
    auto diagnostics = reinterpret_cast<unsigned (*)(void *)>(dlsym(library, "clang_getNumDiagnostics"));
    auto diagnostic = reinterpret_cast<void *(*)(void *, unsigned)>(dlsym(library, "clang_getDiagnostic"));
    auto severity = reinterpret_cast<int (*)(void *)>(dlsym(library, "clang_getDiagnosticSeverity"));
    auto spelling = reinterpret_cast<String (*)(void *)>(dlsym(library, "clang_getDiagnosticSpelling"));
    auto text = reinterpret_cast<const char *(*)(String)>(dlsym(library, "clang_getCString"));
    if (!create_index || !parse || !diagnostics || !diagnostic || !severity || !spelling || !text)
        return fail(1, argv[1], [] { return "is not a libclang"; });

    const char source[] = "#include <stdarg.h>\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n"
                          "size_t probe(const uint8_t *bytes, bool flag);\n";
    File header{"probe.h", source, sizeof source - 1};
    void *unit = parse(create_index(0, 0), header.name, arguments.data(), static_cast<int>(arguments.size()), &header, 1, 0);
    if (!unit) return fail(1, argv[1], [] { return "cannot parse"; });
    const int error = 3; // CXDiagnostic_Error; 4 is fatal
    for (unsigned i = 0; i < diagnostics(unit); i++) {
        void *found = diagnostic(unit, i);
        if (severity(found) >= error) return fail(2, argv[1], [&] { return text(spelling(found)); });
    }
}
