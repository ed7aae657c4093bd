/* SPDX-License-Identifier: Apache-2.0 */
/* The account codes of a node's tenants, with extension and validity. A tenant without codes
 * accepts any. One thread. */
#ifndef SIG_HOST_ACCOUNTS_H
#define SIG_HOST_ACCOUNTS_H

#include "base/bytes.h"

enum {
	ACCOUNTS_MAX = 1 << 20, /* of a node */
	ACCOUNT_KEYS_MAX = 17,  /* with its NUL, as those below */
	ACCOUNT_NAME_MAX = 64,
	ACCOUNT_DATE_MAX = sizeof("2027-01-31"),
	ACCOUNT_EXTENSIONS_MAX = 128,
};

struct account_code {
	uint16_t tenant;
	char code[ACCOUNT_KEYS_MAX];
	char name[ACCOUNT_NAME_MAX];  /* for people */
	char from[ACCOUNT_DATE_MAX];  /* its first day; "": any */
	char until[ACCOUNT_DATE_MAX]; /* its last one; "": none */
	/* the extensions that may use it, joined by ','; "": all */
	char extensions[ACCOUNT_EXTENSIONS_MAX];
};

struct accounts;

/* 0 or -ENOMEM. */
int accounts_open(struct accounts **out) NODISCARD;
void accounts_close(struct accounts *x); /* NULL is fine */
/* Adds or replaces it. 0, -ENOSPC or -ENOMEM. */
int accounts_put(struct accounts *x, const struct account_code *a) NODISCARD;
void accounts_delete(struct accounts *x, uint16_t tenant, struct bytes code);
/* The tenant has any: it takes no others. x NULL: none. */
bool accounts_any(const struct accounts *x, uint16_t tenant);
/* It takes that code of the extension on that day (2027-01-31). */
bool accounts_use(const struct accounts *x, uint16_t tenant, struct bytes code,
		  struct bytes extension, struct bytes day);
/* A day of the calendar, or "". */
bool account_date_is_good(struct bytes text);

#endif
