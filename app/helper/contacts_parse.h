/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What services answer who asks for contacts or meetings, without network: multistatus of CardDAV
 * (RFC 4918 13, RFC 6352, RFC 6578), JSON of Google, Microsoft Graph and Pipedrive, SOAP of
 * Exchange (EWS), and VFREEBUSY of CalDAV (RFC 4791 7.10). Answers are those of strangers: sizes
 * are bounded, and this is fuzzed.
 */
#ifndef APP_HELPER_CONTACTS_PARSE_H
#define APP_HELPER_CONTACTS_PARSE_H

#include <jansson.h>

#include "base/bytes.h"

enum {
	CONTACTS_ID_MAX = 1024,     /* octets of a service's name for a contact */
	CONTACTS_TOKEN_MAX = 16384, /* of the token with which the next run begins */
	CONTACTS_LINK_MAX = 3072,   /* of that of a service with tokens in URLs */
	CONTACTS_LIST_MAX = 20000,  /* contacts of an answer of CardDAV, */
	CONTACTS_ROWS_MAX = 1000,   /* and of one as JSON */
	CONTACTS_PHONES = 16,       /* of a contact; others are left out */
	CONTACTS_EMAILS = 8,
	CONTACTS_CARD_MAX = 96 << 10, /* of a vCard; a longer one is without its photo */
};

/* A page of contacts. Free it by contacts_page_clear, whatever came back. */
struct contacts_page {
	json_t *found;   /* a list of id, and card (a vCard) or contact (its members); or of from_ms
			  * and until_ms: meetings, in UTC */
	json_t *names;   /* of CardDAV and Exchange: ids of what has changed, to be asked for */
	json_t *gone;    /* a list of ids */
	uint32_t failed; /* are left out: they have no id, or one that is too long */
	char *token;     /* CONTACTS_TOKEN_MAX octets: the next run begins there; "": not said */
	char next[CONTACTS_LINK_MAX]; /* the next page, as the service says it; "": none */
	bool more;        /* CardDAV, Exchange: the list is incomplete; token has the rest */
	char refused[64]; /* of Exchange: the ResponseCode of an error */
};

/* 0; -EBADMSG: it is no such answer; -E2BIG: it has more than may be; -ENOMEM. Of Exchange:
 * -ESTALE: the token is not known any more; -EBUSY, -EACCES: try later; with another account. */
typedef int contacts_parse_fn(struct contacts_page *out, struct bytes body);
contacts_parse_fn contacts_parse_dav, contacts_parse_google, contacts_parse_microsoft,
	contacts_parse_pipedrive, exchange_parse, meetings_parse_caldav, meetings_parse_google,
	meetings_parse_microsoft;
void contacts_page_clear(struct contacts_page *p);

/* ---- for these parsers ---- */

/* An empty page. 0 or -ENOMEM. */
int contacts_page_init(struct contacts_page *out) NODISCARD;
/* What people call a number or an address of theirs: mobile, work, home, fax, pager or other. */
const char *contacts_kind(const char *word);
/* what: "number" or "address". Nothing, where the list is full. */
void contacts_item_add(json_t *list, const char *what, const char *text, const char *kind);
/* Adds one that is found, gone or named, whichever list that is. 0, -E2BIG or -ENOMEM. */
int contacts_row_add(const struct contacts_page *page, json_t *list, json_t *row) NODISCARD;
/* A meeting by its ends (RFC 3339, or as iCalendar has them; UTC where no zone is said). One that
 * ends before it begins is left out. 0, -EBADMSG, -E2BIG or -ENOMEM. */
int meetings_add(struct contacts_page *page, struct bytes from, struct bytes until) NODISCARD;

/* A vCard without its photos. */
void contacts_card_write(struct writer *w, struct bytes card);

#endif
