/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/identity/diversion.h"

/* RFC 7544 7; the first of a cause, and of a reason, is what it is turned into. */
static const struct {
	const char *reason, *cause;
} g_reasons[] = {
	{ "unconditional", "302" }, { "user-busy", "486" },      { "no-answer", "408" },
	{ "deflection", "487" },    { "deflection", "480" },     { "unavailable", "503" },
	{ "unknown", "404" },       { "time-of-day", "404" },    { "do-not-disturb", "404" },
	{ "follow-me", "404" },     { "out-of-service", "404" }, { "away", "404" },
};

static void set_reason(struct diversion *out, struct bytes reason)
{
	out->reason = "unknown";
	out->cause = "404";
	for (size_t i = 0; i < COUNT_OF(g_reasons); i++) {
		if (!bytes_iis(reason, g_reasons[i].reason))
			continue;
		out->reason = g_reasons[i].reason;
		out->cause = g_reasons[i].cause;
		return;
	}
}

static void set_cause(struct diversion *out, struct bytes cause)
{
	out->reason = "unknown";
	out->cause = "404";
	for (size_t i = 0; i < COUNT_OF(g_reasons); i++) {
		if (!bytes_is(cause, g_reasons[i].cause))
			continue;
		out->reason = g_reasons[i].reason;
		out->cause = g_reasons[i].cause;
		return;
	}
}

static struct bytes without_headers(const struct sip_uri *uri)
{
	return bytes_sub(uri->all, 0, bytes_find(uri->all, '?'));
}

bool history_get(struct bytes lines, unsigned i, struct history *out)
{
	struct sip_name_addr a;
	struct bytes value;

	if (!carried_find(lines, CARRIED_HISTORY, i, &value) || sip_name_addr_parse(&a, value))
		return false;
	*out = (struct history){ .value = value,
				 .uri = without_headers(&a.uri),
				 .params = a.params };
	out->hidden = a.uri.headers.n &&
		      memmem(a.uri.headers.p, a.uri.headers.n, "Privacy=history", 15) != NULL;
	return sip_param(a.params, "index", &out->index);
}

/* Which entry this one came from: that of its mp, rc or np, else the one above it. */
static struct bytes came_from(const struct history *e)
{
	static const char *const names[] = { "mp", "rc", "np" };
	struct bytes index;
	size_t n = e->index.n;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (sip_param(e->params, names[i], &index))
			return index;
	}
	while (n && e->index.p[n - 1] != '.')
		n--;
	return bytes_sub(e->index, 0, n ? n - 1 : 0);
}

/* "Reason=SIP%3Bcause%3D302" of who did not take the call. */
static bool cause_in_headers(const struct history *e, struct bytes *cause)
{
	static const char name[] = "cause%3D";
	const uint8_t *at = memmem(e->value.p, e->value.n, name, sizeof(name) - 1);

	if (!at)
		return false;
	*cause = bytes_from(e->value, (size_t)(at - e->value.p) + sizeof(name) - 1);
	*cause = bytes_sub(*cause, 0, 3);
	return cause->n == 3;
}

/* "cause" in the URI of whom it was sent on to (RFC 4458), else in its own Reason. */
static bool cause_of(struct bytes lines, const struct history *e, struct bytes *cause)
{
	struct history next;
	struct sip_uri uri;

	for (unsigned i = 0; history_get(lines, i, &next); i++) {
		if (bytes_eq(came_from(&next), e->index) && !sip_uri_parse(&uri, next.uri) &&
		    sip_param(uri.params, "cause", cause))
			return true;
	}
	return cause_in_headers(e, cause);
}

static bool of_history(struct bytes lines, unsigned i, struct diversion *out)
{
	struct bytes cause;
	struct history e;
	unsigned count = 0;

	while (history_get(lines, count, &e))
		count++;
	while (count--) {
		if (!history_get(lines, count, &e) || !cause_of(lines, &e, &cause) || i--)
			continue;
		*out = (struct diversion){ .who = e.uri, .hidden = e.hidden };
		set_cause(out, cause);
		return true;
	}
	return false;
}

static bool of_diversion(struct bytes value, struct diversion *out)
{
	struct sip_name_addr a;
	struct bytes param = { 0 };

	if (sip_name_addr_parse(&a, value))
		return false;
	*out = (struct diversion){ .who = without_headers(&a.uri) };
	(void)sip_param(a.params, "reason", &param);
	set_reason(out, param);
	out->hidden = sip_param(a.params, "privacy", &param) && !bytes_iis(param, "off");
	return true;
}

bool diversion_get(struct bytes lines, unsigned i, struct diversion *out)
{
	struct bytes value, any;

	if (carried_find(lines, CARRIED_DIVERSION, 0, &any))
		return carried_find(lines, CARRIED_DIVERSION, i, &value) &&
		       of_diversion(value, out);
	return of_history(lines, i, out);
}
