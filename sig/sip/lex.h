/* SPDX-License-Identifier: Apache-2.0 */
/* The lexical elements of the SIP grammar (RFC 3261 25.1). Each function consumes what it read from
 * *in. */
#ifndef SIG_SIP_LEX_H
#define SIG_SIP_LEX_H

#include "base/bytes.h"

/* True when the whole slice is one token. */
bool lex_is_token(struct bytes in);
/* True when every % starts an escape of two hex digits. */
bool lex_escapes_ok(struct bytes in);
/* Eats one octet of *in (not empty); an escape is the octet it stands for. */
uint8_t lex_octet(struct bytes *in);
/* LWS within a line. */
static inline bool lex_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}
void lex_skip_blank(struct bytes *in);
/* Eats c with blanks on both sides (the SLASH, COLON, EQUAL of the grammar). */
bool lex_sep(struct bytes *in, uint8_t c);
/* The longest token at the front, perhaps empty. */
struct bytes lex_token(struct bytes *in);
/* *in starts with a quote: returns the quoted text with its escapes. Returns 0 or -EBADMSG
 * (unterminated). */
int lex_quoted(struct bytes *in, struct bytes *inner);
/* Index of the first `sep` outside of quotes and <>, or in.n. */
size_t lex_find(struct bytes in, uint8_t sep);
/* Cuts the next element off a comma-separated list. Returns false at the end (*element is then
 * empty). Elements are trimmed and may be empty. */
bool lex_element(struct bytes *rest, struct bytes *element);

/* One ";name=value" of a header or URI. */
struct lex_param {
	struct bytes all; /* as written, without the ';' */
	struct bytes name;
	struct bytes value; /* quotes removed; empty for a flag */
};
/* The next parameter of ";a=1;b"; the first ';' may be missing. Returns 1: *out filled, 0: end,
 * -EBADMSG. */
int lex_param(struct bytes *rest, struct lex_param *out);
enum { LEX_PARAMS_MAX = 64 };
/* 0 or -EBADMSG: whether all parameters read well, and are not more than that. */
int lex_params_check(struct bytes params);

#endif
