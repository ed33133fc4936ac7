/* SPDX-License-Identifier: MIT
 * format_net: addresses, host names (RFC 1123 section 2.1), mailboxes (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
 */
#include <arpa/inet.h>

#include "schema/format_parts.h"

/* As inet_pton reads it, which is as strict as the RFCs: no leading zeros, no shorter forms, no zone. */
static bool is_address(int family, struct span text)
{
    char copy[INET6_ADDRSTRLEN + 1];
    unsigned char address[sizeof(struct in6_addr)];
    if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, 0, text.n))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    return inet_pton(family, copy, address) == 1;
}

bool format_is_ipv4(struct span text)
{
    return is_address(AF_INET, text);
}

bool format_is_ipv6(struct span text)
{
    return is_address(AF_INET6, text);
}

/* Letters, digits and hyphens inside. Two hyphens at the third place are reserved (RFC 5890 section 2.3.1) but for xn--, behind
 * which there is something. */
static bool is_label(struct span label, bool unicode)
{
    enum { LABEL_MAX = 63 };
    if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++)
        if (!is_letter(label.p[i]) && !is_digit(label.p[i]) && label.p[i] != '-' && !(unicode && (label.p[i] & 0x80)))
            return false;
    return label.n < 4 || label.p[2] != '-' || label.p[3] != '-' || span_eq_nocase(span_of(label.p, 2), SPAN_LIT("xn"));
}

static bool is_domain(struct span text, bool unicode)
{
    enum { NAME_MAX_BYTES = 253 };
    if (text.n > NAME_MAX_BYTES)
        return false;
    for (;;) {
        const char *dot = text.n ? memchr(text.p, '.', text.n) : NULL;
        size_t n = dot ? (size_t)(dot - text.p) : text.n;
        if (!is_label(span_of(text.p, n), unicode))
            return false;
        if (!dot)
            return true;
        text = span_skip(text, n + 1);
    }
}

bool format_is_hostname(struct span text)
{
    return is_domain(text, false);
}

static bool is_atom_char(char c, bool unicode)
{
    return is_letter(c) || is_digit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c)) || (unicode && (c & 0x80));
}

static bool is_dot_string(struct span text, bool unicode)
{
    bool dot = true; /* none at the beginning, none behind another */
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '.' ? dot : !is_atom_char(text.p[i], unicode))
            return false;
        dot = text.p[i] == '.';
    }
    return !dot;
}

static bool is_quoted_string(struct span text, bool unicode)
{
    if (text.n < 2 || text.p[0] != '"' || text.p[text.n - 1] != '"')
        return false;
    for (size_t i = 1; i < text.n - 1; i++) {
        bool escape = text.p[i] == '\\';
        i += escape;
        unsigned char c = (unsigned char)text.p[i];
        if (i == text.n - 1 || (!escape && c == '"') || c < ' ' || c == 0x7f || (c >= 0x80 && (!unicode || escape)))
            return false;
    }
    return true;
}

static bool is_mail_domain(struct span text, bool unicode)
{
    if (text.n < 2 || text.p[0] != '[' || text.p[text.n - 1] != ']')
        return is_domain(text, unicode);
    text = span_of(text.p + 1, text.n - 2);
    if (text.n > 5 && span_eq_nocase(span_of(text.p, 5), SPAN_LIT("IPv6:")))
        return format_is_ipv6(span_skip(text, 5));
    return format_is_ipv4(text);
}

static bool is_mailbox(struct span text, bool unicode)
{
    enum { LOCAL_MAX = 64 };
    const char *at = text.n ? memrchr(text.p, '@', text.n) : NULL;
    struct span local = span_of(text.p, at ? (size_t)(at - text.p) : 0);
    if (local.n == 0 || local.n > LOCAL_MAX || !is_mail_domain(span_skip(text, local.n + 1), unicode))
        return false;
    return is_dot_string(local, unicode) || is_quoted_string(local, unicode);
}

bool format_is_email(struct span text)
{
    return is_mailbox(text, false);
}

bool format_is_idn_email(struct span text)
{
    return is_mailbox(text, true);
}
