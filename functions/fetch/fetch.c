/* SPDX-License-Identifier: MIT
 * creel.fetch: asks another server for something, because a recipe says so: to confirm a subscription, or for a certificate or a
 * JWKS, which is its reply. The event is the host's own, {"url","purpose","format","hosts"}. Only https to a host on the list, no
 * redirects, no proxies, certificates checked, no private addresses, everything bounded.
 * Configuration: "ca_file", "private" ("yes" or "no"), "connect_to" ("HOST:PORT:ADDRESS:PORT …").
 */
#define _GNU_SOURCE
#include <creel.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
    ANSWER_BYTES = CREEL_REPLY_BYTES,
    CONNECT_MS = 5000,
    TOTAL_MS = 10000,
    KEYS_ATTEMPTS = 4, /* the next request that needs them asks anew */
    HOSTS_MAX = 64,
    SAID_BYTES = 512 /* of an address, in a message */
};

struct fetch {
    const char *url, *purpose, *format;
    int keys; /* purpose "keys": the answer counts */
    int private_allowed, private_refused;
    char *bytes; /* ANSWER_BYTES */
    size_t n;
    int too_large;
};

/* ---- where to ---- */

/* A '*' in a label of a pattern stands for any bytes of the label, also for none beside others. */
static int label_meets(const char *pattern, size_t p, const char *label, size_t n)
{
    const char *star = memchr(pattern, '*', p);
    if (!star)
        return p == n && strncasecmp(pattern, label, n) == 0;
    size_t before = (size_t)(star - pattern), behind = p - before - 1;
    return n >= before + behind && strncasecmp(label, pattern, before) == 0 &&
           strncasecmp(label + n - behind, star + 1, behind) == 0;
}

/* Pattern and name label by label, whatever the case. */
static int host_meets(const char *pattern, const char *host)
{
    for (;;) {
        size_t p = strcspn(pattern, "."), h = strcspn(host, ".");
        if (h == 0 || !label_meets(pattern, p, host, h))
            return 0;
        pattern += p;
        host += h;
        if (!*pattern || !*host)
            return !*pattern && !*host;
        pattern++;
        host++;
    }
}

/* A pattern may end in a port; one that does not means 443. */
static int place_meets(const char *pattern, const char *host, const char *port)
{
    char name[256];
    size_t n = strcspn(pattern, ":");
    snprintf(name, sizeof name, "%.*s", (int)n, pattern);
    return n < sizeof name && host_meets(name, host) && strcmp(pattern[n] ? pattern + n + 1 : "443", port) == 0;
}

static int place_listed(struct creel_invocation *in, const char *host, const char *port)
{
    long n = creel_json_count(in, "/hosts");
    for (long i = 0; i < n && i < HOSTS_MAX; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/hosts/%ld", i);
        const char *pattern = creel_json_string(in, pointer);
        if (pattern && place_meets(pattern, host, port))
            return 1;
    }
    return 0;
}

/* A part of the URL as the library that will connect reads it, to be freed with curl_free; NULL: it has none. */
static char *part(CURLU *u, CURLUPart what)
{
    char *text = NULL;
    return curl_url_get(u, what, &text, 0) == CURLUE_OK ? text : NULL;
}

/* NULL: it may be asked. */
static const char *url_problem(struct creel_invocation *in, CURLU *u)
{
    char *scheme = part(u, CURLUPART_SCHEME), *host = part(u, CURLUPART_HOST), *port = part(u, CURLUPART_PORT);
    char *user = part(u, CURLUPART_USER), *password = part(u, CURLUPART_PASSWORD), *fragment = part(u, CURLUPART_FRAGMENT);
    const char *problem = NULL;
    if (!scheme || strcmp(scheme, "https") != 0)
        problem = "it is not https";
    else if (!host || !place_listed(in, host, port ? port : "443"))
        problem = "its host, at this port, is not on the list";
    else if (user || password || fragment)
        problem = "it has a user, a password or a fragment";
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    curl_free(password);
    curl_free(fragment);
    return problem;
}

struct block {
    unsigned char address[16];
    unsigned bits;
};

/* IANA's special-purpose registries: what is not the public internet. */
static const struct block blocks4[] = {
    {{0}, 8},          {{10}, 8},           {{100, 64}, 10},      {{127}, 8},          {{169, 254}, 16},
    {{172, 16}, 12},   {{192, 0, 0}, 24},   {{192, 0, 2}, 24},    {{192, 88, 99}, 24}, {{192, 168}, 16},
    {{198, 18}, 15},   {{198, 51, 100}, 24}, {{203, 0, 113}, 24}, {{224}, 4},          {{240}, 4}};
/* Of IPv6 only 2000::/3 is handed out; of that, not: protocol assignments, documentation, 6to4 (which holds an IPv4 address). */
static const struct block public6 = {{0x20}, 3};
static const struct block blocks6[] = {{{0x20, 0x01, 0}, 23}, {{0x20, 0x01, 0x0d, 0xb8}, 32}, {{0x20, 0x02}, 16}, {{0x3f, 0xff}, 20}};

static int in_block(const unsigned char *address, const struct block *b)
{
    unsigned whole = b->bits / 8, rest = b->bits % 8;
    return memcmp(address, b->address, whole) == 0 &&
           (rest == 0 || (address[whole] ^ b->address[whole]) >> (8 - rest) == 0);
}

static int in_blocks(const unsigned char *address, const struct block *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (in_block(address, b + i))
            return 1;
    return 0;
}

static int is_public(const struct sockaddr *a)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const unsigned char *bytes;
    if (a->sa_family == AF_INET) {
        bytes = (const unsigned char *)&((const struct sockaddr_in *)(const void *)a)->sin_addr;
    } else if (a->sa_family == AF_INET6) {
        bytes = (const unsigned char *)&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
        if (memcmp(bytes, mapped, sizeof mapped) != 0)
            return in_block(bytes, &public6) && !in_blocks(bytes, blocks6, sizeof blocks6 / sizeof blocks6[0]);
        bytes += sizeof mapped;
    } else {
        return 0;
    }
    return !in_blocks(bytes, blocks4, sizeof blocks4 / sizeof blocks4[0]);
}

/* Asked for each address that the name has, after it was resolved: a name cannot say one thing and lead to another. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct fetch *f = arg;
    (void)purpose;
    if (!f->private_allowed && !is_public(&a->addr)) {
        f->private_refused = 1;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ---- the answer ---- */

static size_t take(char *bytes, size_t one, size_t n, void *arg)
{
    struct fetch *f = arg;
    n *= one;
    if (n > ANSWER_BYTES - f->n) {
        f->too_large = 1;
        return CURL_WRITEFUNC_ERROR;
    }
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
    return n;
}

/* What is plainly something else is not worth keeping; what it is worth is found out by who uses it. */
static int looks_right(const struct fetch *f)
{
    const char *mark = f->format && strcmp(f->format, "jwks") == 0 ? "\"keys\"" : "-----BEGIN ";
    return memmem(f->bytes, f->n, mark, strlen(mark)) != NULL;
}

static int again(struct creel_invocation *in, const struct fetch *f, const char *why)
{
    if (f->keys && creel_attempt(in) >= KEYS_ATTEMPTS)
        return creel_reject(in, "given up after %d attempts, the next request that needs it asks anew: %s", KEYS_ATTEMPTS, why);
    return creel_retry(in, "%s", why);
}

/* After an answer with this status, whole or not. */
static int judge(struct creel_invocation *in, const struct fetch *f, long status)
{
    char why[64];
    if (status / 100 == 2 && !f->keys)
        return CREEL_DONE;
    if (f->too_large)
        return creel_reject(in, "the answer is larger than %d bytes", ANSWER_BYTES);
    if (status / 100 == 2 && !looks_right(f))
        return creel_reject(in, "the answer is no %s", f->format ? f->format : "key");
    if (status / 100 == 2)
        return creel_reply(in, f->bytes, f->n) == 0 ? CREEL_DONE : creel_retry(in, "out of memory");
    snprintf(why, sizeof why, "the server answered %ld", status);
    if (status / 100 == 3)
        return creel_reject(in, "%s, and redirects are not followed", why);
    if (status / 100 == 4 && status != 408 && status != 425 && status != 429)
        return creel_reject(in, "%s", why);
    return again(in, f, why);
}

/* ---- asking ---- */

static struct curl_slist *words(const char *text)
{
    struct curl_slist *list = NULL;
    for (const char *p = text ? text : ""; *(p += strspn(p, " ")); p += strcspn(p, " ")) {
        char word[SAID_BYTES];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(p, " "), p);
        struct curl_slist *longer = curl_slist_append(list, word);
        if (longer)
            list = longer;
    }
    return list;
}

static void prepare(struct creel_invocation *in, struct fetch *f, CURL *c, CURLU *u, struct curl_slist *connect_to, char *error)
{
    const char *ca_file = creel_config_string(in, "/ca_file");
    curl_easy_setopt(c, CURLOPT_CURLU, u);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PROXY, ""); /* also none from the environment */
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca_file && *ca_file) {
        curl_easy_setopt(c, CURLOPT_CAINFO, ca_file);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    if (connect_to)
        curl_easy_setopt(c, CURLOPT_CONNECT_TO, connect_to);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)TOTAL_MS);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "creel");
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, f);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
}

static int ask(struct creel_invocation *in, struct fetch *f, CURL *c, CURLU *u)
{
    char error[CURL_ERROR_SIZE] = "";
    long status = 0;
    struct curl_slist *connect_to = words(creel_config_string(in, "/connect_to"));
    prepare(in, f, c, u, connect_to, error);
    CURLcode code = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(connect_to);
    if (code == CURLE_OK || f->too_large)
        return judge(in, f, status);
    if (f->private_refused && code == CURLE_COULDNT_CONNECT)
        return creel_reject(in, "its host has a private address, and fetch_private does not allow that");
    return again(in, f, *error ? error : curl_easy_strerror(code));
}

static int fetch(struct creel_invocation *in)
{
    const char *private_allowed = creel_config_string(in, "/private");
    struct fetch f = {.url = creel_json_string(in, "/url"), .purpose = creel_json_string(in, "/purpose"),
                      .format = creel_json_string(in, "/format")};
    if (!f.url || !f.purpose)
        return creel_reject(in, "the event does not say what to fetch, and what for");
    f.keys = strcmp(f.purpose, "keys") == 0;
    f.private_allowed = private_allowed && strcmp(private_allowed, "yes") == 0;
    CURLU *u = curl_url();
    CURL *c = curl_easy_init();
    f.bytes = malloc(ANSWER_BYTES);
    int result;
    if (!u || !c || !f.bytes) {
        result = creel_retry(in, "out of memory");
    } else if (curl_url_set(u, CURLUPART_URL, f.url, 0) != CURLUE_OK) {
        result = creel_reject(in, "it is no address: %.*s", SAID_BYTES, f.url);
    } else {
        const char *problem = url_problem(in, u);
        result = problem ? creel_reject(in, "%s: %.*s", problem, SAID_BYTES, f.url) : ask(in, &f, c, u);
    }
    free(f.bytes);
    curl_easy_cleanup(c);
    curl_url_cleanup(u);
    return result;
}

static int begin(struct creel_invocation *in)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    return code == CURLE_OK ? CREEL_DONE : creel_reject(in, "libcurl: %s", curl_easy_strerror(code));
}

CREEL_FUNCTION(fetch, .name = "creel.fetch", .version = "1", .mode = CREEL_POOL, .timeout_ms = 15000, .max_uses = 100,
               .concurrency = 2, .init = begin);
