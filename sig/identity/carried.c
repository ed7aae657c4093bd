/* SPDX-License-Identifier: Apache-2.0 */
/* Headers about caller, privacy and diversion that a call carries from one leg to the others
 * (carried.h): validates them when an INVITE is received, stores them as lines in a fixed order,
 * and answers questions about them, such as privacy (RFC 3323), asserted identity (RFC 3325),
 * Diversion and History-Info converted to each other (RFC 7544). A value that its grammar does not
 * allow is left out, so nothing can be injected into another leg's message. Pure. */

#include <errno.h>

#include "sig/identity/carried.h"
#include "sig/identity/policy.h"
#include "sig/sip/lex.h"
#include "sig/sip/uri.h"

/* In the order in which they are written. */
static const struct {
	const char *name;
	unsigned bit;
} g_values[] = {
	{ "header", PRIVACY_HEADER },     { "session", PRIVACY_SESSION },
	{ "user", PRIVACY_USER },         { "id", PRIVACY_ID },
	{ "history", PRIVACY_HISTORY },   { "none", PRIVACY_NONE },
	{ "critical", PRIVACY_CRITICAL },
};

/* "id;user"; nothing for 0. */
static void privacy_write(struct writer *w, unsigned privacy)
{
	const char *before = "";

	for (size_t i = 0; i < COUNT_OF(g_values); i++) {
		if (!(privacy & g_values[i].bit))
			continue;
		WRITER_TEXTS(w, before, g_values[i].name);
		before = ";";
	}
}

static unsigned privacy_bit(struct bytes name)
{
	for (size_t i = 0; i < COUNT_OF(g_values); i++) {
		if (bytes_iis(name, g_values[i].name))
			return g_values[i].bit;
	}
	return 0;
}

/* Values of a header, separated by ';'; unknown ones are ignored. Returns -EINVAL if it has no
 * value, or an invalid one. */
static int privacy_parse(struct bytes value, unsigned *privacy)
{
	struct bytes one;
	unsigned found = 0;

	if (!bytes_trim(value).n)
		return -EINVAL;
	while (bytes_cut(&value, ';', &one)) {
		if (!lex_is_token(bytes_trim(one)))
			return -EINVAL;
		found |= privacy_bit(bytes_trim(one));
	}
	*privacy = found;
	return 0;
}

static bool value_is_plain(struct bytes value)
{
	struct bytes trimmed = bytes_trim(value);

	if (!value.n || value.n > CARRIED_VALUE_MAX || !bytes_eq(trimmed, value))
		return false;
	for (size_t i = 0; i < value.n; i++) {
		if ((value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
			return false;
	}
	return true;
}

/* One of a list: no comma that would make two of it. */
static bool value_is_one(struct bytes value)
{
	return lex_find(value, ',') == value.n;
}

static bool value_is_caller(struct bytes value)
{
	struct sip_name_addr a;

	return value_is_one(value) && !sip_name_addr_parse(&a, value) &&
	       (bytes_iis(a.uri.scheme, "sip") || bytes_iis(a.uri.scheme, "sips") ||
		bytes_iis(a.uri.scheme, "tel"));
}

/* "1.2.1" */
static bool is_index(struct bytes value)
{
	struct bytes part;
	uint32_t number;

	if (!value.n || value.n > CARRIED_INDEX_MAX || value.p[value.n - 1] == '.')
		return false;
	while (bytes_cut(&value, '.', &part)) {
		if (bytes_u32(part, &number))
			return false;
	}
	return true;
}

/* RFC 7044 5: its index gives its place. */
static bool is_history(struct bytes value)
{
	struct sip_name_addr a;
	struct bytes index;

	return value_is_caller(value) && !sip_name_addr_parse(&a, value) &&
	       sip_param(a.params, "index", &index) && is_index(index);
}

/* In the one order in which they are written. */
static bool is_privacy(struct bytes value)
{
	uint8_t space[64];
	struct writer w = writer_over(space, sizeof(space));
	unsigned privacy;

	if (privacy_parse(value, &privacy))
		return false;
	privacy_write(&w, privacy);
	return bytes_eq(writer_done(&w), value);
}

/* RFC 7433 4.1 */
static bool is_user_data(struct bytes value)
{
	struct bytes data;

	if (!value_is_one(value))
		return false;
	if (value.p[0] == '"') {
		if (lex_quoted(&value, &data))
			return false;
	} else {
		data = lex_token(&value);
	}
	return data.n && !lex_params_check(value) && (!value.n || bytes_trim(value).p[0] == ';');
}

/* RFC 6442 4.1. A "cid:" is about a part of the body, which goes no further. */
static bool is_location(struct bytes value)
{
	struct sip_name_addr a;

	return value_is_one(value) && value.p[0] == '<' && !sip_name_addr_parse(&a, value) &&
	       !bytes_iis(a.uri.scheme, "cid");
}

static bool is_number_params(struct bytes value)
{
	struct lex_param param;
	int more;

	while ((more = lex_param(&value, &param)) == 1) {
		if (!bytes_iis(param.name, "npdi") && !bytes_iis(param.name, "rn") &&
		    !bytes_iis(param.name, "rn-context"))
			return false;
		for (size_t i = 0; i < param.value.n; i++) {
			if (param.value.p[i] == '@' || param.value.p[i] == '?')
				return false;
		}
	}
	return more == 0;
}

/* RFC 8224 4: a token of ours to repeat, octet by octet. */
static bool is_token_with_info(struct bytes value)
{
	return bytes_find(value, ';') < value.n && bytes_find(value, ' ') > 0;
}

/* Trimmed, without control characters, and as its grammar has it. */
static bool carried_value_is_valid(enum carried kind, struct bytes value)
{
	if (!value_is_plain(value))
		return false;
	switch (kind) {
	case CARRIED_ASSERTED:
	case CARRIED_DIVERSION:
		return value_is_caller(value);
	case CARRIED_HISTORY:
		return is_history(value);
	case CARRIED_PRIVACY:
		return is_privacy(value);
	case CARRIED_UUI:
		return is_user_data(value);
	case CARRIED_GEOLOCATION:
		return is_location(value);
	case CARRIED_ROUTING:
		return bytes_is(value, "yes") || bytes_is(value, "no");
	case CARRIED_NUMBER:
		return is_number_params(value);
	case CARRIED_IDENTITY:
		return is_token_with_info(value);
	case CARRIED_DATE:
	case CARRIED_EXTRA:
		return true;
	case CARRIED_KINDS:
		break;
	}
	return false;
}

static bool is_number_param(const struct lex_param *param)
{
	return bytes_iis(param->name, "npdi") || bytes_iis(param->name, "rn") ||
	       bytes_iis(param->name, "rn-context");
}

/* "npdi;rn=+13125550000" of a URI that is a number (RFC 4694); nothing, where it has none of it. */
static void carried_number_params(struct writer *w, const struct sip_uri *uri)
{
	struct bytes rest = subscriber_of(uri).params;
	const char *before = "";
	struct lex_param param;

	while (lex_param(&rest, &param) == 1) {
		if (!is_number_param(&param))
			continue;
		writer_str(w, before);
		writer_bytes(w, param.all);
		before = ";";
	}
}

static const struct {
	const char *name;
	uint8_t most;
	bool list;
} g_kinds[CARRIED_KINDS] = {
#define X(id, name, most, list) { name, most, list },
	CARRIED(X)
#undef X
};

static void line_put(struct writer *w, struct bytes name, struct bytes value)
{
	struct writer before = *w;

	writer_bytes(w, name);
	writer_str(w, ": ");
	writer_bytes(w, value);
	writer_str(w, "\r\n");
	if (w->overflow || w->n > CARRIED_MAX) { /* none is cut */
		*w = before;
	}
}

/* ---- reading stored lines ---- */

static enum carried kind_of(struct bytes name)
{
	for (unsigned i = 0; i < CARRIED_EXTRA; i++) {
		if (bytes_is(name, g_kinds[i].name))
			return (enum carried)i;
	}
	return bytes_istarts(name, "X-") ? CARRIED_EXTRA : CARRIED_KINDS;
}

bool carried_next(struct bytes *rest, struct carried_line *line)
{
	struct bytes from = *rest, text;
	size_t colon;

	if (!bytes_cut(rest, '\n', &text))
		return false;
	line->all = bytes_sub(from, 0, from.n - rest->n);
	text = bytes_sub(text, 0, text.n ? text.n - 1 : 0);
	colon = bytes_find(text, ':');
	line->name = bytes_sub(text, 0, colon);
	line->value = bytes_from(text, colon + 2);
	line->kind = kind_of(line->name);
	return true;
}

bool carried_find(struct bytes lines, enum carried kind, unsigned i, struct bytes *value)
{
	struct carried_line line;

	while (carried_next(&lines, &line)) {
		if (line.kind == kind && i-- == 0) {
			*value = line.value;
			return true;
		}
	}
	return false;
}

unsigned carried_privacy(struct bytes lines)
{
	unsigned privacy = 0;
	struct bytes value;

	return carried_find(lines, CARRIED_PRIVACY, 0, &value) && !privacy_parse(value, &privacy)
		       ? privacy
		       : 0;
}

bool carried_number(struct bytes lines, struct bytes *user)
{
	struct sip_name_addr a;
	struct bytes value;
	bool found = false;

	for (unsigned i = 0; carried_find(lines, CARRIED_ASSERTED, i, &value); i++) {
		if (sip_name_addr_parse(&a, value) || (found && !bytes_iis(a.uri.scheme, "tel")))
			continue;
		*user = subscriber_of(&a.uri).name;
		found = user->n != 0;
	}
	return found;
}

static bool line_is_valid(const struct carried_line *line)
{
	return line->kind < CARRIED_KINDS && line->all.n > 4 &&
	       line->all.p[line->all.n - 2] == '\r' && line->all.p[line->all.n - 1] == '\n' &&
	       line->all.n == line->name.n + line->value.n + 4 &&
	       line->all.p[line->name.n + 1] == ' ' && lex_is_token(line->name) &&
	       carried_value_is_valid(line->kind, line->value);
}

bool carried_is_valid(struct bytes lines)
{
	unsigned count[CARRIED_KINDS] = { 0 };
	enum carried last = 0;
	struct carried_line line;

	if (lines.n > CARRIED_MAX || !bytes_are_lines(lines))
		return false;
	while (carried_next(&lines, &line)) {
		if (!line_is_valid(&line) || line.kind < last ||
		    ++count[line.kind] > g_kinds[line.kind].most)
			return false;
		last = line.kind;
	}
	return true;
}

/* ---- taking it from a message ---- */

struct taking {
	struct writer *w;
	const struct sip_message *m;
	enum carried kind;
	unsigned left;
};

static void carried_value_add(struct taking *t, struct bytes value)
{
	value = bytes_trim(value);
	if (!t->left || !carried_value_is_valid(t->kind, value))
		return;
	line_put(t->w, bytes_str(g_kinds[t->kind].name), value);
	t->left--;
}

static void carried_all_read(struct taking *t)
{
	struct bytes value, element;

	t->left = g_kinds[t->kind].most;
	for (unsigned i = 0; message_header(t->m, g_kinds[t->kind].name, i, &value); i++) {
		if (!g_kinds[t->kind].list)
			carried_value_add(t, value);
		while (g_kinds[t->kind].list && lex_element(&value, &element))
			carried_value_add(t, element);
	}
}

/* All values of a list of callers over all its lines; if there are more than most, returns most +
 * 1. */
static unsigned list_values(const struct sip_message *m, const char *header, struct bytes *out,
			    unsigned most)
{
	struct bytes rest, element;
	unsigned count = 0;

	for (unsigned i = 0; message_header(m, header, i, &rest); i++) {
		while (lex_element(&rest, &element)) {
			if (count == most)
				return most + 1;
			out[count++] = element;
		}
	}
	return count;
}

/* RFC 3325 9.1: one value, or a sip and a tel URI; else the header counts for nothing. */
static void carried_asserted_read(struct taking *t)
{
	struct bytes values[2];
	unsigned count = list_values(t->m, "P-Asserted-Identity", values, COUNT_OF(values));
	struct sip_name_addr a;
	unsigned tels = 0;

	if (count > COUNT_OF(values))
		return;
	for (unsigned i = 0; i < count; i++)
		tels += !sip_name_addr_parse(&a, values[i]) && bytes_iis(a.uri.scheme, "tel");
	if (count == 2 && tels != 1)
		return;
	t->left = count;
	for (unsigned i = 0; i < count; i++)
		carried_value_add(t, values[i]);
}

static bool self_has(const struct carried_self *self, const struct sip_uri *uri)
{
	struct subscriber who = subscriber_of(uri);
	char name[128];

	if (subscriber_text(&who, name, sizeof(name)))
		return false;
	if (self->number.n && bytes_is(self->number, name))
		return true;
	return bytes_list_has(self->others, bytes_str(name));
}

/* RFC 3325 9.2: a wish, which counts for what its party may be called. */
static void carried_preferred_read(struct taking *t, const struct carried_self *self)
{
	struct sip_name_addr a;
	struct bytes value;

	t->kind = CARRIED_ASSERTED;
	t->left = 1;
	if (self && list_values(t->m, "P-Preferred-Identity", &value, 1) == 1 &&
	    !sip_name_addr_parse(&a, value) && self_has(self, &a.uri))
		carried_value_add(t, value);
}

static void carried_privacy_read(struct taking *t)
{
	uint8_t space[64];
	struct writer w = writer_over(space, sizeof(space));

	privacy_write(&w, privacy_of(t->m));
	t->left = 1;
	if (w.n)
		carried_value_add(t, writer_done(&w));
}

static void carried_number_read(struct taking *t)
{
	uint8_t space[CARRIED_VALUE_MAX];
	struct writer w = writer_over(space, sizeof(space));

	carried_number_params(&w, &t->m->uri);
	t->left = 1;
	if (w.n && !w.overflow)
		carried_value_add(t, writer_done(&w));
}

static void carried_extra_read(struct taking *t, const struct identity_policy *p)
{
	struct bytes name, value;

	t->left = g_kinds[CARRIED_EXTRA].most;
	for (unsigned i = 0; t->left && message_line(t->m, i, &name, &value); i++) {
		if (!identity_has_extra(p->extra, name) || !lex_is_token(name) ||
		    !carried_value_is_valid(CARRIED_EXTRA, value))
			continue;
		line_put(t->w, name, value);
		t->left--;
	}
}

static void carried_kind_read(struct taking *t, const struct identity_policy *p)
{
	switch (t->kind) {
	case CARRIED_ASSERTED:
		carried_asserted_read(t);
		break;
	case CARRIED_PRIVACY:
		carried_privacy_read(t);
		break;
	case CARRIED_NUMBER:
		carried_number_read(t);
		break;
	case CARRIED_EXTRA:
		carried_extra_read(t, p);
		break;
	case CARRIED_DIVERSION:
	case CARRIED_HISTORY:
	case CARRIED_UUI:
	case CARRIED_GEOLOCATION:
	case CARRIED_ROUTING:
	case CARRIED_IDENTITY:
	case CARRIED_DATE:
		carried_all_read(t);
		break;
	case CARRIED_KINDS:
		break;
	}
}

void carried_read(struct writer *w, const struct sip_message *m, const struct identity_policy *p,
		  const struct carried_self *self)
{
	struct taking t = { .w = w, .m = m };

	if (!identity_takes(p, CARRIED_ASSERTED))
		carried_preferred_read(&t, self);
	for (unsigned i = 0; i < CARRIED_KINDS; i++) {
		t.kind = (enum carried)i;
		if (identity_takes(p, t.kind))
			carried_kind_read(&t, p);
	}
}

void carried_renew(struct writer *w, struct bytes lines, const struct sip_message *m,
		   const struct identity_policy *p)
{
	struct identity_policy who = *p;
	struct carried_line line;
	bool renewed;

	who.takes &= 1U << CARRIED_ASSERTED | 1U << CARRIED_PRIVACY;
	carried_read(w, m, &who, NULL);
	renewed = w->n != 0;
	while (carried_next(&lines, &line)) {
		if (line.kind > CARRIED_PRIVACY || !renewed)
			line_put(w, line.name, line.value);
	}
}

/* Where host[:port] stands in the URI. */
static struct bytes host_of(const struct sip_uri *uri)
{
	size_t at = bytes_find(uri->all, '@');
	size_t from = at < uri->all.n ? at + 1 : bytes_find(uri->all, ':') + 1;
	struct bytes host = bytes_from(uri->all, from);

	host = bytes_sub(host, 0, bytes_find(host, '?'));
	return bytes_sub(host, 0, bytes_find(host, ';'));
}

static bool has_nothing_to_hide(const struct sip_uri *uri)
{
	static const char invalid[] = ".invalid";
	size_t n = sizeof(invalid) - 1;

	return (!bytes_iis(uri->scheme, "sip") && !bytes_iis(uri->scheme, "sips")) ||
	       (uri->host.n >= n && bytes_iis(bytes_from(uri->host, uri->host.n - n), invalid));
}

void carried_write_hidden(struct writer *w, struct bytes value, struct bytes host)
{
	struct sip_name_addr a;
	struct bytes own;

	if (sip_name_addr_parse(&a, value) || has_nothing_to_hide(&a.uri)) {
		writer_bytes(w, value);
		return;
	}
	own = host_of(&a.uri);
	writer_mem(w, value.p, (size_t)(own.p - value.p));
	writer_bytes(w, host);
	writer_bytes(w, bytes_from(value, (size_t)(own.p - value.p) + own.n));
}

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

/* "Reason=SIP%3Bcause%3D302" of the diverting user. */
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

/* "cause" in the URI of the diversion target (RFC 4458), else in its own Reason. */
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

/* What stands behind the address, also where the name before it cannot be read. */
static struct bytes params_behind(struct bytes value)
{
	size_t end = value.n;

	while (end && value.p[end - 1] != '>')
		end--;
	return bytes_from(value, end);
}

/* draft-ietf-sip-privacy-04 5: for the sender of the message, whatever is to be hidden. */
static bool party_is_hidden(const struct sip_message *m, struct bytes value)
{
	struct bytes params = params_behind(value), param;

	if (sip_param(params, "party", &param) &&
	    !bytes_iis(param, m->request ? "calling" : "called"))
		return false;
	return sip_param(params, "privacy", &param) && !bytes_iis(param, "off");
}

unsigned privacy_of(const struct sip_message *m)
{
	unsigned all = 0, one;
	struct bytes value, party;

	for (unsigned i = 0; message_header(m, "Privacy", i, &value); i++)
		all |= privacy_parse(value, &one) ? PRIVACY_HEADER | PRIVACY_USER | PRIVACY_ID
						  : one;
	for (unsigned i = 0; message_header(m, "Remote-Party-ID", i, &value); i++) {
		while (!all && lex_element(&value, &party))
			all = party_is_hidden(m, party) ? PRIVACY_ID : 0;
	}
	return all;
}

#define BIT(kind) (1U << CARRIED_##kind)

enum {
	ALL = (1U << CARRIED_KINDS) - 1,
	/* what a user may state of himself: privacy, his application's data, his location */
	OF_PHONES = BIT(PRIVACY) | BIT(UUI) | BIT(GEOLOCATION) | BIT(ROUTING) | BIT(EXTRA),
	TO_PHONES = BIT(DIVERSION) | BIT(HISTORY) | BIT(UUI) | BIT(EXTRA),
};

static bool extra_fits(struct bytes pattern, struct bytes name)
{
	if (pattern.n && pattern.p[pattern.n - 1] == '*')
		return name.n >= pattern.n - 1 && bytes_ieq(bytes_sub(name, 0, pattern.n - 1),
							    bytes_sub(pattern, 0, pattern.n - 1));
	return bytes_ieq(pattern, name);
}

bool identity_has_extra(const struct identity_extra *extra, struct bytes name)
{
	if (!extra || !bytes_istarts(name, "X-"))
		return false;
	for (uint8_t i = 0; i < extra->count; i++) {
		if (extra_fits(bytes_str(extra->names[i]), name))
			return true;
	}
	return false;
}

struct identity_policy identity_of_phone(const struct identity_extra *extra)
{
	return (struct identity_policy){ .takes = OF_PHONES, .tells = TO_PHONES, .extra = extra };
}

struct identity_policy identity_of_peer(const struct identity_extra *extra)
{
	return (struct identity_policy){
		.trusted = true, .takes = ALL, .tells = ALL, .extra = extra
	};
}

struct identity_policy identity_of_trunk(const struct identity_trunk *t)
{
	struct identity_policy p = { .trusted = !t->untrusted, .extra = &t->extra };

	for (unsigned i = 0; i < CARRIED_KINDS; i++) {
		if (t->ways[i] == IDENTITY_BOTH || t->ways[i] == IDENTITY_IN)
			p.takes |= (uint16_t)(1U << i);
		if (t->ways[i] == IDENTITY_BOTH || t->ways[i] == IDENTITY_OUT)
			p.tells |= (uint16_t)(1U << i);
	}
	return p;
}

struct identity_policy identity_of_inter_shard(void)
{
	static const struct identity_extra any = { .count = 1, .names = { "X-*" } };

	return (struct identity_policy){
		.trusted = true, .takes = ALL, .tells = ALL, .extra = &any
	};
}
