/* SPDX-License-Identifier: Apache-2.0 */
/* The account codes of a node's tenants (accounts.h): a hash table of codes with the extensions and
 * dates that each is valid for. Filled from documents, asked when a caller enters a code
 * (sig/pbx/account.c). Codes are secrets to some degree, so look-up time does not depend on how
 * alike they are. One thread. */

#include "sig/host/accounts.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/named.h"
#include "base/zone.h"
#include "sig/host/tenant.h"

static_assert(offsetof(struct account_code, code) == offsetof(struct named, name), "base/named.h");

struct accounts {
	/* struct account_code: found by a hash, so look-up time does not depend on similar codes */
	struct table by_code;
	uint32_t count[TENANTS_MAX];
};

int accounts_open(struct accounts **out)
{
	struct accounts *x = calloc(1, sizeof(*x));

	*out = x;
	if (x && !table_open(&x->by_code, ACCOUNTS_MAX))
		return 0;
	accounts_close(x);
	*out = NULL;
	return -ENOMEM;
}

void accounts_close(struct accounts *x)
{
	if (x)
		named_close(&x->by_code);
	free(x);
}

int accounts_put(struct accounts *x, const struct account_code *a)
{
	bool there = named_find(&x->by_code, a->tenant, bytes_str(a->code));
	int err = 0;
	struct account_code *at =
		named_put(&x->by_code, a->tenant, bytes_str(a->code), sizeof(*at), &err);

	if (!at)
		return err;
	x->count[a->tenant] += !there;
	*at = *a;
	return 0;
}

void accounts_delete(struct accounts *x, uint16_t tenant, struct bytes code)
{
	struct account_code *a = named_find(&x->by_code, tenant, code);

	if (!a)
		return;
	named_remove(&x->by_code, a);
	x->count[tenant]--;
	free(a);
}

bool accounts_any(const struct accounts *x, uint16_t tenant)
{
	return x && tenant < TENANTS_MAX && x->count[tenant];
}

/* Days are compared as they are written. */
static bool account_counts(const struct account_code *a, struct bytes extension, struct bytes day)
{
	return (!a->from[0] || memcmp(a->from, day.p, ACCOUNT_DATE_MAX - 1) <= 0) &&
	       (!a->until[0] || memcmp(a->until, day.p, ACCOUNT_DATE_MAX - 1) >= 0) &&
	       (!a->extensions[0] || bytes_list_has(bytes_str(a->extensions), extension));
}

bool accounts_use(const struct accounts *x, uint16_t tenant, struct bytes code,
		  struct bytes extension, struct bytes day)
{
	const struct account_code *a = named_find(&x->by_code, tenant, code);

	return a && day.n == ACCOUNT_DATE_MAX - 1 && account_counts(a, extension, day);
}

/* False: they are no digits. */
static bool account_number(struct bytes digits, uint32_t *out)
{
	*out = 0;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		*out = *out * 10 + (digits.p[i] - '0');
	}
	return true;
}

bool account_date_is_good(struct bytes text)
{
	uint32_t year, month, day;

	if (!text.n)
		return true;
	return text.n == ACCOUNT_DATE_MAX - 1 && text.p[4] == '-' && text.p[7] == '-' &&
	       account_number(bytes_sub(text, 0, 4), &year) &&
	       account_number(bytes_sub(text, 5, 2), &month) &&
	       account_number(bytes_from(text, 8), &day) && month >= 1 && month <= 12 && day >= 1 &&
	       day <= civil_month_days(year, (uint8_t)month);
}
