/* SPDX-License-Identifier: MIT
 * config_source: one source: its references, answers and parameters, and what must hold between
 * them and between sources. Runs where a configuration is loaded, one thread.
 */
#include "base/config_parts.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>

static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* Is text 1 to max bytes, all out of set? */
static bool made_of(const char *text, const char *set, size_t max)
{
    size_t n = strspn(text, set);
    return n > 0 && n <= max && text[n] == 0;
}

/* ---- references and lists ---- */

static bool is_type(const char *text)
{
    return made_of(text, LETTERS DIGITS "._:/-", 128);
}

/* The part of a reference behind its kind, or NULL if it is not of this kind. */
static const char *behind(const char *text, const char *kind)
{
    size_t n = strlen(kind);
    return strncmp(text, kind, n) == 0 ? text + n : NULL;
}

/* References that only the room of recipes can read: it does when they are loaded (supervisor/load.c). */
static bool deeper_reference(const char *text)
{
    static const char *const kinds[] = {"form:", "query:", "param:", "key:", "join:"};
    static const char *const words[] = {"body", "method", "url", "path", "query"};
    struct span word = span_of(text, strcspn(text, "|"));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (behind(text, kinds[i]))
            return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_eq_str(word, words[i]))
            return true;
    return false;
}

/* Up to the first filter. */
static bool good_plain_reference(struct loader *l, const struct place *at, const char *text)
{
    const char *rest;
    if ((rest = behind(text, "json:")) != NULL) {
        if (json_pointer_valid(span_str(rest)))
            return true;
        config_fault(l, at, "a JSON pointer is empty or begins with / and has ~ only as ~0 or ~1 (RFC 6901)");
    } else if ((rest = behind(text, "header:")) != NULL) {
        if (made_of(rest, LETTERS DIGITS "!#$%&'*+-.^_`~", 128))
            return true;
        config_fault(l, at, "a header's name belongs behind header:");
    } else if ((rest = behind(text, "path:")) != NULL) {
        if (made_of(rest, DIGITS, 2) && atoi(rest) > 0)
            return true;
        config_fault(l, at, "the number of a path segment, from 1, belongs behind path:");
    } else {
        config_fault(l, at,
                     "must be json:/pointer, header:Name, path:N, const:text or another reference of creel-recipe(5)");
    }
    return false;
}

bool config_good_reference(struct loader *l, const struct place *at, const char *text)
{
    const char *rest = behind(text, "const:");
    if (rest && !*rest)
        config_fault(l, at, "a text belongs behind const:");
    if (rest)
        return *rest;
    const char *plain = config_copy(l, span_of(text, strcspn(text, "|")));
    return deeper_reference(text) || (plain && good_plain_reference(l, at, plain));
}

static bool good_type_reference(struct loader *l, const struct place *at, const char *text)
{
    const char *rest = behind(text, "const:");
    if (!rest || is_type(rest))
        return config_good_reference(l, at, text);
    config_fault(l, at, "an event type is 1 to 128 of A-Z a-z 0-9 . _ : / -");
    return false;
}

static bool good_pattern(struct loader *l, const struct place *at, const char *text)
{
    if (made_of(text, LETTERS DIGITS "._:/-*", 128))
        return true;
    config_fault(l, at, "a type pattern is 1 to 128 of A-Z a-z 0-9 . _ : / - and *");
    return false;
}

static bool good_method(struct loader *l, const struct place *at, const char *text)
{
    if (made_of(text, upper, 16))
        return true;
    config_fault(l, at, "a method is written in capitals, such as POST");
    return false;
}

static bool good_content_type(struct loader *l, const struct place *at, const char *text)
{
    size_t n = strspn(text, LETTERS DIGITS "!#$&^_.+-");
    if (n > 0 && n < 128 && text[n] == '/' && made_of(text + n + 1, LETTERS DIGITS "!#$&^_.+-*", 127))
        return true;
    config_fault(l, at, "a content type is written type/subtype without parameters, such as application/json");
    return false;
}

/* A name that identifies a sending system (HTTP 1.1 Web Hooks 1.0.2, section 4.1.2), or "*" alone. */
static bool good_origin(struct loader *l, const struct place *at, const char *text)
{
    if (strcmp(text, "*") == 0 || made_of(text, LETTERS DIGITS "-._:", 253))
        return true;
    config_fault(l, at, "an origin is a name such as eventgrid.azure.net, or *");
    return false;
}

#define LIST(member, good)                                                                                             \
    static void set_##member(struct loader *l, const struct place *at, void *base)                                     \
    {                                                                                                                  \
        struct config_source *src = base;                                                                              \
        config_strings(l, at, good, &src->member, &src->n_##member);                                                   \
    }
LIST(type, good_type_reference)
LIST(event_id, config_good_reference)
LIST(order_key, config_good_reference)
LIST(time, config_good_reference)
LIST(version, config_good_reference)
LIST(types, good_pattern)
LIST(methods, good_method)
LIST(webhook_origins, good_origin)

/* In small letters, as the door compares them: letter case means nothing here (RFC 9110, section 8.3.1). */
static void set_content_types(struct loader *l, const struct place *at, void *base)
{
    struct config_source *src = base;
    config_strings(l, at, good_content_type, &src->content_types, &src->n_content_types);
    for (size_t i = 0; i < src->n_content_types; i++) {
        char lower[256];
        size_t n = strlen(src->content_types[i]);
        for (size_t k = 0; k < n && k < sizeof lower; k++)
            lower[k] = (char)tolower((unsigned char)src->content_types[i][k]);
        if (n <= sizeof lower)
            src->content_types[i] = config_copy(l, span_of(lower, n));
    }
}

/* ---- params ---- */

static void set_params(struct loader *l, const struct place *at, void *base)
{
    struct config_source *src = base;
    struct span name, value;
    size_t n = 0;
    if (json_type_of(at->value) != JSON_OBJECT) {
        config_fault(l, at, "must be an object of texts");
        return;
    }
    for (struct json_iter it = json_iter(at->value); json_next_member(&it, &name, &value);)
        n++;
    src->params = config_alloc(l->c, (n + !n) * sizeof *src->params);
    if (!src->params) {
        l->out_of_memory = true;
        return;
    }
    for (struct json_iter it = json_iter(at->value); json_next_member(&it, &name, &value);) {
        struct place param = place_member(at, name, value);
        const char *text = config_string(l, &param);
        if (text)
            src->params[src->n_params++] = (struct config_param){config_copy(l, name), text};
    }
}

/* ---- answers ---- */

struct answer {
    int64_t status;
    const char *content_type, *body;
};
static const struct setting answer_rows[] = {
    {SETTING_INT, "status", "0", offsetof(struct answer, status), 200, 599, true, ""},
    {SETTING_TEXT, "content_type", NULL, offsetof(struct answer, content_type), 0, 0, true, ""},
    {SETTING_TEXT, "body", NULL, offsetof(struct answer, body), 0, 0, true, ""},
};
static const struct shape answer_shape = {.rows = answer_rows, .n_rows = sizeof answer_rows / sizeof answer_rows[0]};
enum { ANSWER_BODY_MAX = 4096 };

static void set_answer(struct loader *l, const struct place *at, struct config_answer *to, bool good_news)
{
    struct answer a = {0};
    config_defaults(l, &answer_shape, &a);
    if (!config_object(l, at, &answer_shape, &a))
        return;
    if (good_news && a.status > 299)
        config_fault_member(l, at, "status", "must be 200 to 299, or the sender would send the event again");
    if (a.status >= 300 && a.status <= 399 && !good_news)
        config_fault_member(l, at, "status", "must be 200 to 299 or 400 to 599: a sender is never sent elsewhere");
    if ((a.status == 204 || a.status == 205) && (a.body || a.content_type))
        config_fault_member(l, at, a.body ? "body" : "content_type", "an answer with status %d has no content",
                            (int)a.status);
    for (const char *p = a.content_type; p && *p; p++)
        if (*p < ' ' || *p > '~') {
            config_fault_member(l, at, "content_type", "must be printable ASCII");
            break;
        }
    if (a.body && strlen(a.body) > ANSWER_BODY_MAX)
        config_fault_member(l, at, "body", "must be at most %d bytes", ANSWER_BODY_MAX);
    *to = (struct config_answer){(int)a.status, a.content_type, a.body};
}

static void set_accepted(struct loader *l, const struct place *at, void *base)
{
    set_answer(l, at, &((struct config_source *)base)->answers[ANSWER_ACCEPTED], true);
}

static void set_duplicate(struct loader *l, const struct place *at, void *base)
{
    set_answer(l, at, &((struct config_source *)base)->answers[ANSWER_DUPLICATE], true);
}

static void set_refused(struct loader *l, const struct place *at, void *base)
{
    set_answer(l, at, &((struct config_source *)base)->answers[ANSWER_REFUSED], false);
}

static const struct special answers_specials[] = {
    {"accepted", set_accepted}, {"duplicate", set_duplicate}, {"refused", set_refused}};
static const struct shape answers_shape = {.specials = answers_specials,
                                           .n_specials = sizeof answers_specials / sizeof answers_specials[0]};

static void set_answers(struct loader *l, const struct place *at, void *base)
{
    (void)config_object(l, at, &answers_shape, base);
}

/* ---- a source ---- */

static const struct special source_specials[] = {
    {"keys", config_keys},      {"params", set_params},   {"type", set_type},
    {"event_id", set_event_id}, {"version", set_version}, {"order_key", set_order_key},
    {"time", set_time},
    {"types", set_types},       {"methods", set_methods}, {"webhook_origins", set_webhook_origins}, {"content_types", set_content_types},
    {"dedupe", config_dedupe},  {"answers", set_answers},
    {"versions", config_versions}, {"rejected", config_rejected},
    {"limit", config_limits},
    {"tenant", config_tenant},
    {"allow", config_allow},
    {"auth", config_auth}};
static const char *const source_later[] = {"ack_timeout"};
static const struct shape source_shape = {config_src_rows,
                                          CONFIG_SRC_ROWS,
                                          source_specials,
                                          sizeof source_specials / sizeof source_specials[0],
                                          source_later,
                                          sizeof source_later / sizeof source_later[0],
                                          NULL};

/* The byte of "%XX", or -1. */
static int hidden_byte(const char *p)
{
    static const char digits[] = "0123456789abcdef";
    const char *high = p[1] ? strchr(digits, tolower((unsigned char)p[1])) : NULL;
    const char *low = high && p[2] ? strchr(digits, tolower((unsigned char)p[2])) : NULL;
    return low ? (int)(high - digits) << 4 | (int)(low - digits) : -1;
}

/* A path as it stands in a request line. NULL if good, else what is wrong. */
static const char *path_fault(const char *path)
{
    if (path[0] != '/')
        return "must begin with /";
    if (strlen(path) > 1024)
        return "must be at most 1024 bytes";
    for (const char *p = path; *p; p++) {
        if (*p <= ' ' || *p > '~' || strchr("?#\\\"<>^`{|}", *p))
            return "must be written as in a URL: no spaces, no ? or #, other bytes as %XX";
        int hidden = *p == '%' ? hidden_byte(p) : 'x';
        if (hidden < 0)
            return "% must be followed by two hexadecimal digits";
        if (hidden == '/' || hidden == '.' || hidden < ' ' || hidden == 0x7f)
            return "must not hide /, . or a control character as %XX";
        if (*p == '/' && p[1] == '/')
            return "must not contain //";
        if (*p == '/' && p[1] == '.' && (p[2] == 0 || p[2] == '/' || (p[2] == '.' && (p[3] == 0 || p[3] == '/'))))
            return "must not contain . or .. segments";
    }
    return NULL;
}

/* The path as the door sees it: decoded once. */
static const char *route_of(struct loader *l, const char *path)
{
    char *route = config_alloc(l->c, strlen(path) + 1), *to = route;
    if (!route) {
        l->out_of_memory = true;
        return path;
    }
    for (; *path; path++) {
        int hidden = *path == '%' ? hidden_byte(path) : -1;
        *to++ = hidden < 0 ? *path : (char)hidden;
        path += hidden < 0 ? 0 : 2;
    }
    *to = 0;
    return route;
}

static void check_source(struct loader *l, const struct place *at, const struct config_source *src)
{
    const char *wrong = *src->path ? path_fault(src->path) : NULL;
    if (wrong)
        config_fault_member(l, at, "path", "%s", wrong);
    if (*src->recipe && (!made_of(src->recipe, LETTERS DIGITS "._-", 64) || src->recipe[0] == '.'))
        config_fault_member(l, at, "recipe",
                            "a recipe's name is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot");
    if (strcmp(src->recipe, "none") == 0 && !src->allow_unsigned && !config_has_auth(src))
        config_fault_member(l, at, "recipe",
                            "\"none\" lets anybody raise events: say \"allow_unsigned\": true if you mean that, or ask "
                            "for a proof in \"auth\"");
    if (strcmp(src->recipe, "none") == 0 && (src->n_keys || *src->keys_folder))
        config_fault_member(l, at, *src->keys_folder ? "keys_folder" : "keys", "recipe \"none\" uses no keys");
    if (*src->public_url && !behind(src->public_url, "https://") && !behind(src->public_url, "http://"))
        config_fault_member(l, at, "public_url", "must begin with https:// or http://");
}

void config_source(struct loader *l, const struct place *at, struct config_source *src)
{
    config_defaults(l, &source_shape, src);
    src->where = l->look == LOOK_EVERYWHERE ? config_where(l, at) : NULL;
    src->route = "";
    config_dedupe_default(l, src);
    if (config_object(l, at, &source_shape, src)) {
        config_keys_folder(l, at, src);
        check_source(l, at, src);
        config_limits_check(l, at, src);
    }
    src->route = route_of(l, src->path);
}

/* ---- all sources ---- */

const struct place *config_source_place(struct loader *l, size_t i, struct place links[3])
{
    const struct origin *o = &l->origins[i];
    l->doc = o->doc;
    links[0] = (struct place){.value = span_of(o->doc->text, o->doc->n)};
    links[1] = place_member(&links[0], SPAN_LIT("sources"), links[0].value);
    links[2] = place_member(&links[1], o->name, o->value);
    return &links[2];
}

struct named {
    const char *text;
    size_t source;
};

static int by_text(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->source > y->source) - (x->source < y->source);
}

/* Report each source whose text another one before it has. */
static void check_twice(struct loader *l, struct named *list, size_t n, const char *member, const char *what)
{
    struct place links[3];
    qsort(list, n, sizeof *list, by_text);
    for (size_t i = 1; i < n; i++) {
        if (!*list[i].text || strcmp(list[i - 1].text, list[i].text) != 0)
            continue;
        const struct place *at = config_source_place(l, list[i].source, links);
        const char *other = l->sources[list[i - 1].source].name, *file = l->origins[list[i - 1].source].doc->file;
        if (member)
            config_fault_member(l, at, member, "source \"%s\" in %s has the same %s", other, file, what);
        else
            config_fault(l, at, "%s has a source of the same %s", file, what);
    }
}

void config_sources_check(struct loader *l)
{
    size_t n = l->n_sources;
    struct named *list = calloc(n + 1, sizeof *list);
    if (!list) {
        l->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        list[i] = (struct named){l->sources[i].name, i};
    check_twice(l, list, n, NULL, "name");
    for (size_t i = 0; i < n; i++)
        list[i] = (struct named){l->sources[i].route, i};
    check_twice(l, list, n, "path", "path");
    free(list);
    for (size_t i = 0; i < n; i++) {
        struct place links[3];
        const struct place *at = config_source_place(l, i, links);
        config_auth_check(l, at, &l->sources[i]);
        config_allow_check(l, at, &l->sources[i]);
        if (l->sources[i].max_body > l->c->body_memory)
            config_fault_member(l, at, "max_body", "is more than body_memory, the memory for all requests together");
    }
}
