/* SPDX-License-Identifier: Apache-2.0 */
/* Parses Event (RFC 6665 8.2.1) into package and id, and checks a body type against Accept with its
 * q-values (RFC 3261 20.1). Pure; used by SUBSCRIBE, NOTIFY and PUBLISH of a shard. */

#include "sig/sip/event_parse.h"

#include <errno.h>

#include "sig/sip/lex.h"

static int event_set_id(struct event_name *out, struct bytes value)
{
	if (out->id.n || value.n > EVENT_ID_MAX || !lex_is_token(value))
		return -EINVAL;
	out->id = value;
	return 0;
}

int event_parse(struct event_name *out, struct bytes value)
{
	size_t n = bytes_find(value, ';');
	struct bytes params = bytes_from(value, n);
	struct lex_param p;
	int more, err = 0;

	*out = (struct event_name){ .package = bytes_trim(bytes_sub(value, 0, n)) };
	if (!lex_is_token(out->package))
		return -EINVAL;
	while ((more = lex_param(&params, &p)) == 1 && !err) {
		if (bytes_iis(p.name, "id"))
			err = event_set_id(out, p.value);
	}
	return more < 0 || err ? -EINVAL : 0;
}

/* "0", "0.0", "0.000" */
static bool is_zero(struct bytes q)
{
	for (size_t i = 0; i < q.n; i++) {
		if (q.p[i] != '0' && q.p[i] != '.')
			return false;
	}
	return q.n;
}

static bool range_is_refused(struct bytes params)
{
	struct lex_param p;

	while (lex_param(&params, &p) == 1) {
		if (bytes_iis(p.name, "q") && is_zero(bytes_trim(p.value)))
			return true;
	}
	return false;
}

static bool range_has(struct bytes range, struct bytes type)
{
	size_t slash = bytes_find(range, '/');
	struct bytes main = bytes_trim(bytes_sub(range, 0, slash));
	struct bytes sub = bytes_trim(bytes_from(range, slash + 1));
	size_t at = bytes_find(type, '/');

	if (bytes_is(main, "*"))
		return bytes_is(sub, "*");
	return bytes_ieq(main, bytes_sub(type, 0, at)) &&
	       (bytes_is(sub, "*") || bytes_ieq(sub, bytes_from(type, at + 1)));
}

bool accept_takes(struct bytes value, const char *type)
{
	struct bytes range;

	while (lex_element(&value, &range)) {
		size_t n = bytes_find(range, ';');

		if (range_has(bytes_sub(range, 0, n), bytes_str(type)) &&
		    !range_is_refused(bytes_from(range, n)))
			return true;
	}
	return false;
}
