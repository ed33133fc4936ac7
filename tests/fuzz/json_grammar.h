/* SPDX-License-Identifier: MIT
 * json_grammar: a second opinion on JSON, for the tests of the scanner: the rules of RFC 8259 one by one, without limits
 * and without speed, sharing no line with host/base. Not for use by several threads.
 */
#ifndef CREEL_TESTS_JSON_GRAMMAR_H
#define CREEL_TESTS_JSON_GRAMMAR_H

#include <stdbool.h>
#include "base/span.h"

struct json_grammar {
    bool valid;            /* JSON-text of RFC 8259 section 2, in UTF-8 (RFC 3629); what follows is only set if so */
    bool nul;              /* an escape \u0000 */
    bool lone;             /* an escaped surrogate without its other half */
    size_t depth;          /* of arrays and objects; a scalar is 0 */
    size_t nodes;          /* values and member names */
    size_t longest_number; /* bytes */
};

struct json_grammar json_grammar(struct span text);

#endif
