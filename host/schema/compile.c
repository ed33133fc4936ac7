/* SPDX-License-Identifier: MIT
 * compile: from texts to a program: every schema that is reached gets a rule, one after the other, without recursion.
 */
#include "schema/compiler.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum err compile_no_memory(struct compiler *c)
{
    return why_set(c->w, ERR_NO_MEMORY, "out of memory, or too large a schema");
}

enum err compile_fault(struct compiler *c, uint32_t doc, uint32_t node, const char *fmt, ...)
{
    char text[300];
    struct buf where;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf_init(&where, 400);
    if (c->docs[doc].uri.n) {
        buf_put_span(&where, c->docs[doc].uri);
        buf_putc(&where, '#');
    }
    tape_pointer(compile_tape(c, doc), node, &where);
    struct span at = buf_span(&where);
    enum err e = why_set(c->w, ERR_INVALID, "%.*s: %s", at.n ? (int)at.n : 1, at.n ? at.p : "/", text);
    buf_fini(&where);
    return e;
}

enum err compile_rule(struct compiler *c, uint32_t doc, uint32_t node, uint32_t *rule)
{
    uint32_t *known = &c->docs[doc].rule_of[node];
    if (*known) {
        *rule = *known - 1;
        return ERR_OK;
    }
    enum json_type type = compile_tape(c, doc)->nodes[node].type;
    if (type != JSON_OBJECT && type != JSON_TRUE && type != JSON_FALSE)
        return compile_fault(c, doc, node, "must be a schema: an object, true or false");
    if (c->s->n_rules == COMPILE_RULES_MAX)
        return compile_fault(c, doc, node, "more than %d schemas", COMPILE_RULES_MAX);
    struct rule *r = program_grow(&c->s->rules, &c->s->n_rules, 1, sizeof *r);
    struct spot *at = r ? program_grow(&c->spots, &c->n_spots, 1, sizeof *at) : NULL;
    if (!at)
        return compile_no_memory(c);
    r->kind = type == JSON_TRUE ? RULE_ALWAYS : type == JSON_FALSE ? RULE_NEVER : RULE_OPS;
    *at = (struct spot){doc, node};
    *known = c->s->n_rules;
    *rule = *known - 1;
    return ERR_OK;
}

enum err compile_op(struct compiler *c, struct op op)
{
    struct op *p = program_grow(&c->s->ops, &c->s->n_ops, 1, sizeof *p);
    if (!p)
        return compile_no_memory(c);
    *p = op;
    return ERR_OK;
}

static enum err compile_rules(struct compiler *c)
{
    enum err e = ERR_OK;
    for (uint32_t i = 0; e == ERR_OK && i < c->s->n_rules; i++) {
        if (c->s->rules[i].kind != RULE_OPS)
            continue;
        uint32_t first = c->s->n_ops;
        c->doc = c->spots[i].doc;
        e = compile_ops(c, c->spots[i].node);
        c->s->rules[i].first = first;
        c->s->rules[i].n = c->s->n_ops - first;
        if (c->s->rules[i].n == 0)
            c->s->rules[i].kind = RULE_ALWAYS;
    }
    return e;
}

static enum err compile(struct compiler *c, struct span text)
{
    uint32_t doc;
    if (c->options->n_documents && !program_grow(&c->loaded, &c->n_loaded, c->options->n_documents, sizeof *c->loaded))
        return compile_no_memory(c);
    enum err e = document_load(c, SPAN_LIT(""), text, &doc);
    if (e == ERR_OK)
        e = compile_rule(c, doc, 0, &c->s->root);
    if (e == ERR_OK)
        e = compile_rules(c);
    return e == ERR_OK ? compile_no_loops(c) : e;
}

enum err schema_compile(struct span text, const struct schema_options *options, struct schema **out, struct why *w)
{
    struct schema *s = calloc(1, sizeof *s);
    struct compiler c = {.s = s, .options = options, .draft = options->draft, .w = w};
    if (!s)
        return compile_no_memory(&c);
    if (getentropy(&s->seed, sizeof s->seed) != 0) {
        free(s);
        return why_errno(w, "this system has no random bytes");
    }
    enum err e = program_init(s) ? compile(&c, text) : compile_no_memory(&c);
    document_fini(&c);
    free(c.spots);
    free(c.loaded);
    if (e == ERR_OK)
        *out = s;
    else
        schema_free(s);
    return e;
}
