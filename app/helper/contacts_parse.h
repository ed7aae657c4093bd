/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What services answer who asks for contacts, without network: multistatus of CardDAV (RFC 4918 13,
 * RFC 6352, RFC 6578), and JSON of Google People, Microsoft Graph and Pipedrive. Answers are those
 * of strangers: sizes are bounded, and this is fuzzed.
 */
#ifndef APP_HELPER_CONTACTS_PARSE_H
#define APP_HELPER_CONTACTS_PARSE_H

#include <jansson.h>

#include "base/bytes.h"

enum {
	CONTACTS_ID_MAX = 1024,    /* octets of a service's name for a contact */
	CONTACTS_TOKEN_MAX = 3072, /* of what says where the next run goes on */
	CONTACTS_LIST_MAX = 20000, /* contacts of an answer of CardDAV, */
	CONTACTS_ROWS_MAX = 1000,  /* and of one as JSON */
	CONTACTS_PHONES = 16,      /* of a contact; others are left out */
	CONTACTS_EMAILS = 8,
	CONTACTS_CARD_MAX = 96 << 10, /* of a vCard; a longer one is without its photo */
};

/* A page of contacts. Free it by contacts_page_clear, whatever came back. */
struct contacts_page {
	json_t *found;   /* a list of id, and card (a vCard) or contact (its members) */
	json_t *names;   /* of CardDAV without cards: hrefs of what has changed */
	json_t *gone;    /* a list of ids */
	uint32_t failed; /* are left out: they have no id, or one that is too long */
	char token[CONTACTS_TOKEN_MAX]; /* the next run begins there; "": not said */
	char next[CONTACTS_TOKEN_MAX];  /* the next page, as the service says it; "": none */
	bool more;                      /* of CardDAV: the list was cut, and goes on at token */
};

/* 0; -EBADMSG: it is no such answer; -E2BIG: it has more than may be; -ENOMEM. */
typedef int contacts_parse_fn(struct contacts_page *out, struct bytes body);
contacts_parse_fn contacts_parse_dav, contacts_parse_google, contacts_parse_microsoft,
	contacts_parse_pipedrive;
void contacts_page_clear(struct contacts_page *p);

/* A vCard without its photos. */
void contacts_card_write(struct writer *w, struct bytes card);

#endif
