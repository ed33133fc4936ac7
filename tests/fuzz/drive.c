/* SPDX-License-Identifier: MIT
 * drive: main of the targets that make check runs, without libFuzzer: every input of fuzz_sources as it is, then ROUNDS
 * (100000) mutations of them, the same in every run. An input that breaks something is kept in the current folder.
 *   mutate_NAME              run
 *   mutate_NAME FILE…        run only these files: what was found before
 *   mutate_NAME --write DIR  write the inputs into DIR, for libFuzzer to begin with
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "fuzz.h"
#include "mutate.h"

enum { INPUTS_MAX = 4096, INPUT_BYTES = 64 * 1024, ROUNDS_FEW = 100000, SECONDS_FOR_ONE = 20, PATH_BYTES = 1024 };

static struct inputs {
    struct span input[INPUTS_MAX]; /* owned */
    size_t n, longest;
} inputs;

static struct span running; /* for the handler */

static void add(struct span input)
{
    for (size_t i = 0; i < inputs.n; i++)
        if (span_eq(inputs.input[i], input))
            return;
    char *copy = malloc(input.n + 1);
    if (inputs.n == INPUTS_MAX || !copy)
        die(EXIT_SYSTEM, "more than %d inputs", INPUTS_MAX);
    memcpy(copy, input.p, input.n);
    inputs.input[inputs.n++] = span_of(copy, input.n);
    if (input.n > inputs.longest)
        inputs.longest = input.n;
}

static void add_lines(struct span text)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        add(span_of(text.p, n));
        text = span_skip(text, end ? n + 1 : n);
    }
}

static void add_elements(const char *path, struct span text, void (*convert)(struct span, struct buf *))
{
    struct json_error bad;
    struct span element;
    struct buf out;
    if (json_check(text, JSON_LIMITS_DEFAULT, &bad) != ERR_OK)
        die(EXIT_SYSTEM, "%s: %s at byte %zu", path, bad.what, bad.offset);
    buf_init(&out, INPUT_BYTES);
    for (struct json_iter it = json_iter(text); json_next_element(&it, &element); buf_clear(&out)) {
        convert(element, &out);
        if (out.n > 0 && !out.failed)
            add(buf_span(&out));
    }
    buf_fini(&out);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && memcmp(text + n - k, end, k) == 0;
}

static void add_file(const char *path, void (*convert)(struct span, struct buf *))
{
    struct buf text;
    struct why w;
    buf_init(&text, 16 << 20);
    if (fs_read(AT_FDCWD, path, &text, &w) != ERR_OK)
        die(EXIT_SYSTEM, "%s", w.text);
    if (convert)
        add_elements(path, buf_span(&text), convert);
    else if (ends_with(path, ".lines"))
        add_lines(buf_span(&text));
    else
        add(buf_span(&text));
    buf_fini(&text);
}

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static void add_source(const struct fuzz_source *s)
{
    char path[PATH_BYTES], file[PATH_BYTES + 256];
    struct dirent **names;
    snprintf(path, sizeof path, TESTS_SRCDIR "/%s", s->path);
    int n = scandir(path, &names, visible, alphasort);
    if (n < 0) {
        add_file(path, s->convert);
        return;
    }
    for (int i = 0; i < n; i++) {
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        add_file(file, s->convert);
        free(names[i]);
    }
    free(names);
}

/* Keep what is running now. Only calls that a signal handler may make. */
static void keep(void)
{
    char name[64];
    size_t n = strlen(fuzz_name);
    if (n > 40)
        n = 40;
    memcpy(name, fuzz_name, n);
    memcpy(name + n, ".finding", sizeof ".finding");
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool kept = fd >= 0 && write(fd, running.p, running.n) == (ssize_t)running.n;
    static const char text[] = "the input that did it is kept here as ", not_kept[] = "the input cannot be kept as ";
    (void)!write(STDERR_FILENO, kept ? text : not_kept, kept ? sizeof text - 1 : sizeof not_kept - 1);
    (void)!write(STDERR_FILENO, name, n + 8);
    (void)!write(STDERR_FILENO, "\n", 1);
}

static void on_signal(int number)
{
    static const char late[] = "one input takes too long\n";
    if (number == SIGALRM)
        (void)!write(STDERR_FILENO, late, sizeof late - 1);
    keep();
    signal(number, SIG_DFL);
    raise(number == SIGALRM ? SIGABRT : number);
}

/* The sanitizers' way to end. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch(void)
{
    static const int numbers[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!__sanitizer_set_death_callback || numbers[i] == SIGALRM || numbers[i] == SIGABRT)
            signal(numbers[i], on_signal);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(keep);
}

/* In a block of exactly its length, so that a sanitizer sees every byte too many. */
static void run(struct span input)
{
    uint8_t *exact = malloc(input.n ? input.n : 1);
    if (!exact)
        die(EXIT_SYSTEM, "out of memory");
    memcpy(exact, input.p, input.n);
    running = input;
    alarm(SECONDS_FOR_ONE);
    LLVMFuzzerTestOneInput(exact, input.n);
    alarm(0);
    free(exact);
}

static long rounds(void)
{
    const char *text = getenv("ROUNDS");
    long n = text ? atol(text) : 0;
    return n > 0 ? n : ROUNDS_FEW;
}

static void run_mutations(long n)
{
    struct mutator m = {.state = 42, .cap = inputs.longest * 2 + 64};
    char *text = malloc(m.cap);
    if (!text)
        die(EXIT_SYSTEM, "out of memory");
    for (long i = 0; i < n; i++) {
        struct span one = inputs.input[mutate_random(&m, (uint32_t)inputs.n)];
        struct span other = inputs.input[mutate_random(&m, (uint32_t)inputs.n)];
        memcpy(text, one.p, one.n);
        run(span_of(text, mutate(&m, text, one.n, other)));
    }
    free(text);
}

static void write_inputs(const char *folder)
{
    char path[PATH_BYTES];
    struct why w;
    for (size_t i = 0; i < inputs.n; i++) {
        snprintf(path, sizeof path, "%s/%04zu", folder, i);
        if (fs_replace(AT_FDCWD, path, inputs.input[i], 0666, &w) != ERR_OK)
            die(EXIT_SYSTEM, "%s", w.text);
    }
}

int main(int argc, char **argv)
{
    bool writing = argc == 3 && strcmp(argv[1], "--write") == 0, given = argc > 1 && !writing;
    long mutations = writing || given ? 0 : rounds();
    int64_t from = clock_cpu_ns();
    for (int i = 1; given && i < argc; i++)
        add_file(argv[i], NULL);
    for (const struct fuzz_source *s = fuzz_sources; !given && s->path; s++)
        add_source(s);
    if (inputs.n == 0)
        die(EXIT_SYSTEM, "%s: there is no input to begin with", fuzz_name);
    if (writing) {
        write_inputs(argv[2]);
        return 0;
    }
    watch();
    for (size_t i = 0; i < inputs.n; i++)
        run(inputs.input[i]);
    run_mutations(mutations);
    printf("%s: %zu inputs, %ld mutations, %.1f s\n", fuzz_name, inputs.n, mutations,
           (double)(clock_cpu_ns() - from) / 1e9);
    printf("100%%: Checks: 1, Failures: 0, Errors: 0\n");
    for (size_t i = 0; i < inputs.n; i++)
        free((void *)(uintptr_t)inputs.input[i].p);
    return 0;
}
