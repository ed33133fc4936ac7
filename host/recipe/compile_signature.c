/* SPDX-License-Identifier: MIT
 * compile_signature: the member that says where signatures are, how they are written and what is signed. Runs when a
 * configuration is loaded; never on a request.
 */
#include "base/json.h"
#include "recipe/compiler.h"
#include "recipe/grammar.h"
#include "recipe/jwt.h"
#include "recipe/key.h"

static struct signature *signature_of(struct compiler *c)
{
    return &c->r->signature;
}

static enum err set_algorithm(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e != ERR_OK)
        return e;
    c->r->algorithm = grammar_algorithm(s);
    if (c->r->algorithm)
        return ERR_OK;
    size_t n;
    const char *const *names = grammar_algorithm_names(&n);
    return compiler_unknown(c, "algorithm", s, names, n);
}

static enum err set_encoding(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e != ERR_OK)
        return e;
    signature_of(c)->encoding = grammar_encoding(s);
    if (signature_of(c)->encoding)
        return ERR_OK;
    size_t n;
    const char *const *names = grammar_encoding_names(&n);
    return compiler_unknown(c, "encoding", s, names, n);
}

static enum err add_from(struct compiler *c, struct span s, void *arg)
{
    struct signature *sig = arg;
    struct ref ref;
    if (sig->n_from == RECIPE_FROM_MAX)
        return compiler_fault(c, "more than %d places", RECIPE_FROM_MAX);
    enum err e = compiler_ref(c, s, &ref);
    if (e != ERR_OK)
        return e;
    if (ref.kind != REF_HEADER && ref.kind != REF_JSON && ref.kind != REF_ITEM && ref.kind != REF_FORM &&
        ref.kind != REF_QUERY_FIELD)
        return compiler_fault(c, "a signature is read from header:NAME, json:/POINTER, item:/POINTER, form:NAME or query:NAME");
    if (ref.kind == REF_HEADER)
        c->r->headers[ref.slot].signature = true;
    sig->from[sig->n_from++] = ref;
    return ERR_OK;
}

static enum err set_from(struct compiler *c, struct span value)
{
    return compiler_texts(c, value, add_from, signature_of(c));
}

static enum err set_list(struct compiler *c, struct span value)
{
    return compiler_character(c, value, &signature_of(c)->list);
}

static enum err set_pair(struct compiler *c, struct span value)
{
    return compiler_character(c, value, &signature_of(c)->pair);
}

static enum err set_key(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_nonempty(c, value, &s);
    return e == ERR_OK ? compiler_template(c, value, &signature_of(c)->key) : e;
}

static enum err set_prefix(struct compiler *c, struct span value)
{
    return compiler_nonempty(c, value, &signature_of(c)->prefix);
}

static enum err add_content(struct compiler *c, struct span value)
{
    struct signature *s = signature_of(c);
    struct span text;
    enum err e = compiler_nonempty(c, value, &text);
    if (e == ERR_OK && s->n_contents == RECIPE_CONTENTS_MAX)
        return compiler_fault(c, "more than %d alternatives", RECIPE_CONTENTS_MAX);
    if (e == ERR_OK)
        e = compiler_template(c, value, &s->contents[s->n_contents]);
    if (e == ERR_OK)
        s->n_contents++;
    return e;
}

static enum err set_content(struct compiler *c, struct span value)
{
    struct span one;
    if (json_type_of(value) != JSON_ARRAY)
        return add_content(c, value);
    for (struct json_iter it = json_iter(value); json_next_element(&it, &one);) {
        enum err e = add_content(c, one);
        if (e != ERR_OK)
            return e;
    }
    return signature_of(c)->n_contents > 0 ? ERR_OK : compiler_fault(c, "must not be an empty list");
}

static enum err set_each(struct compiler *c, struct span value)
{
    enum err e = compiler_text(c, value, &signature_of(c)->each);
    if (e == ERR_OK && !json_pointer_valid(signature_of(c)->each))
        return compiler_fault(c, "must be a JSON pointer like /items, or \"\" for the whole body");
    return e;
}

static enum err one_ref(struct compiler *c, struct span value, struct ref *out)
{
    struct span s;
    enum err e = compiler_nonempty(c, value, &s);
    return e == ERR_OK ? compiler_ref(c, s, out) : e;
}

static enum err set_key_id(struct compiler *c, struct span value)
{
    signature_of(c)->has_key_id = true;
    return one_ref(c, value, &signature_of(c)->key_id);
}

/* ---- signed_headers ---- */

static enum err set_names(struct compiler *c, struct span value)
{
    return one_ref(c, value, &signature_of(c)->signed_headers.names);
}

static enum err set_separator(struct compiler *c, struct span value)
{
    return compiler_character(c, value, &signature_of(c)->signed_headers.separator);
}

static enum err set_join(struct compiler *c, struct span value)
{
    return compiler_text(c, value, &signature_of(c)->signed_headers.join);
}

static enum err set_case(struct compiler *c, struct span value)
{
    static const char *const words[] = {"as-listed", "lower"};
    size_t i;
    enum err e = compiler_choice(c, value, words, 2, &i);
    if (e == ERR_OK)
        signature_of(c)->signed_headers.lower = i == 1;
    return e;
}

/* "{name}: {value}", or without the name. */
static enum err set_header_pair(struct compiler *c, struct span value)
{
    static const struct span name = SPAN_LIT("{name}"), content = SPAN_LIT("{value}");
    struct signed_headers *h = &signature_of(c)->signed_headers;
    struct span s;
    enum err e = compiler_nonempty(c, value, &s);
    if (e != ERR_OK)
        return e;
    const char *at_name = memmem(s.p, s.n, name.p, name.n), *at_value = memmem(s.p, s.n, content.p, content.n);
    if (!at_value || at_name > at_value)
        return compiler_fault(c, "must be text with {value}, and {name} before it where names are signed");
    size_t begin = at_name ? (size_t)(at_name - s.p) : 0, behind = at_name ? begin + name.n : 0;
    h->no_names = !at_name;
    h->before = span_of(s.p, begin);
    h->between = span_of(s.p + behind, (size_t)(at_value - s.p) - behind);
    h->after = span_skip(s, (size_t)(at_value - s.p) + content.n);
    return ERR_OK;
}

static const struct compiler_member signed_headers_members[] = {
    {"names", set_names, true}, {"separator", set_separator, true}, {"pair", set_header_pair, true},
    {"join", set_join, true},   {"case", set_case, false},
};

static enum err set_signed_headers(struct compiler *c, struct span value)
{
    signature_of(c)->has_signed_headers = true;
    return COMPILER_OBJECT(c, value, signed_headers_members);
}

/* ---- keys_url ---- */

static enum err set_url_from(struct compiler *c, struct span value)
{
    return one_ref(c, value, &signature_of(c)->keys_url.from);
}

static enum err set_hosts(struct compiler *c, struct span value)
{
    return compiler_words(c, value, &signature_of(c)->keys_url.hosts);
}

static enum err set_suffix(struct compiler *c, struct span value)
{
    return compiler_nonempty(c, value, &signature_of(c)->keys_url.suffix);
}

static enum err set_format(struct compiler *c, struct span value)
{
    static const char *const words[] = {"x509-pem", "jwks"};
    size_t i;
    enum err e = compiler_choice(c, value, words, 2, &i);
    if (e == ERR_OK)
        signature_of(c)->keys_url.format = words[i];
    return e;
}

static const struct compiler_member keys_url_members[] = {
    {"from", set_url_from, true}, {"hosts", set_hosts, true}, {"suffix", set_suffix, false}, {"format", set_format, true},
};

static enum err set_keys_url(struct compiler *c, struct span value)
{
    return COMPILER_OBJECT(c, value, keys_url_members);
}

/* ---- jwt ---- */

static enum err add_jwt_algorithm(struct compiler *c, struct span s, void *arg)
{
    unsigned bit = jwt_algorithm(s);
    (void)arg;
    if (!bit)
        return compiler_fault(c, "there is no algorithm '%.*s' (HS256, RS256, PS256, ES256, … 384, 512, EdDSA, Ed25519)", (int)s.n,
                              s.p);
    signature_of(c)->jwt.algorithms |= bit;
    return ERR_OK;
}

static enum err set_jwt_algorithms(struct compiler *c, struct span value)
{
    return compiler_texts(c, value, add_jwt_algorithm, NULL);
}

static enum err add_required(struct compiler *c, struct span s, void *arg)
{
    unsigned bit = jwt_time(s);
    (void)arg;
    if (!bit)
        return compiler_fault(c, "must be exp, nbf or iat");
    signature_of(c)->jwt.require |= bit;
    return ERR_OK;
}

static enum err set_require(struct compiler *c, struct span value)
{
    return compiler_texts(c, value, add_required, NULL);
}

static enum err set_leeway(struct compiler *c, struct span value)
{
    return compiler_duration(c, value, &signature_of(c)->jwt.leeway_ms);
}

static const struct compiler_member jwt_members[] = {
    {"algorithms", set_jwt_algorithms, true}, {"require", set_require, false}, {"leeway", set_leeway, false},
};

static enum err set_jwt(struct compiler *c, struct span value)
{
    return COMPILER_OBJECT(c, value, jwt_members);
}

/* In the order in which they are compiled: first what others look at. */
static const struct compiler_member signature_members[] = {
    {"algorithm", set_algorithm, true},
    {"from", set_from, true},
    {"list", set_list, false},
    {"pair", set_pair, false},
    {"key", set_key, false},
    {"prefix", set_prefix, false},
    {"encoding", set_encoding, false},
    {"content", set_content, false},
    {"each", set_each, false},
    {"signed_headers", set_signed_headers, false},
    {"key_id", set_key_id, false},
    {"keys_url", set_keys_url, false},
    {"jwt", set_jwt, false},
};

static enum err check_encoding(struct compiler *c)
{
    struct signature *s = signature_of(c);
    bool text = (c->r->algorithm->family & (FAMILY_TOKEN | FAMILY_JWT)) != 0;
    if (!s->encoding && text)
        s->encoding = grammar_encoding(SPAN_LIT("text"));
    if (!s->encoding)
        return compiler_fault(c, "member 'encoding' is missing");
    if (s->encoding == grammar_encoding(SPAN_LIT("text")) && !text)
        return compiler_fault(c, "the encoding \"text\" is for tokens");
    return ERR_OK;
}

static bool holds(const struct recipe *r, enum ref_kind kind)
{
    for (size_t i = 0; i < r->signature.n_contents; i++)
        for (size_t k = 0; k < r->signature.contents[i].n; k++)
            if (r->signature.contents[i].pieces[k].kind == kind)
                return true;
    return false;
}

static enum err check_content(struct compiler *c)
{
    const struct signature *s = signature_of(c);
    enum family family = c->r->algorithm->family;
    if (s->n_contents == 0 && !(family & (FAMILY_TOKEN | FAMILY_JWT)))
        return compiler_fault(c, "member 'content' is missing");
    if (s->n_contents > 0 && family == FAMILY_TOKEN)
        return compiler_fault(c, "a token signs no 'content'");
    if (holds(c->r, REF_SECRET) != (family == FAMILY_DIGEST))
        return compiler_fault(c, "{secret} belongs into the content of sha256, and nowhere else");
    if (holds(c->r, REF_SIGNED_HEADERS) != s->has_signed_headers)
        return compiler_fault(c, "'signed_headers' and {signed_headers} in the content go together");
    if ((s->jwt.algorithms != 0) != (family == FAMILY_JWT))
        return compiler_fault(c, "'jwt' says which algorithms the algorithm \"jwt\" allows, and nothing else");
    return ERR_OK;
}

enum err compile_signature(struct compiler *c, struct span value)
{
    if (json_type_of(value) == JSON_STRING) {
        c->r->none = span_eq_str(json_plain_string(value), "none");
        return c->r->none ? ERR_OK : compiler_fault(c, "must be an object, or \"none\" for senders that prove nothing");
    }
    enum err e = COMPILER_OBJECT(c, value, signature_members);
    if (e == ERR_OK && !c->r->signature.pair != (c->r->signature.key.n == 0))
        return compiler_fault(c, "'pair' and 'key' go together");
    if (e == ERR_OK)
        e = check_encoding(c);
    return e == ERR_OK ? check_content(c) : e;
}
