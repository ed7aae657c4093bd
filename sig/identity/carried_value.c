/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/identity/carried_value.h"

#include "sig/identity/carried.h"
#include "sig/sip/lex.h"
#include "sig/sip/subscriber.h"

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

/* RFC 6442 4.1. A "cid:" is about a part of the body, which goes no further. */
static bool is_location(struct bytes value)
{
	struct sip_name_addr a;

	return value_is_one(value) && value.p[0] == '<' && !sip_name_addr_parse(&a, value) &&
	       !bytes_iis(a.uri.scheme, "cid");
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

/* RFC 7044 5: its place is said by its index. */
static bool is_history(struct bytes value)
{
	struct sip_name_addr a;
	struct bytes index;

	return value_is_caller(value) && !sip_name_addr_parse(&a, value) &&
	       sip_param(a.params, "index", &index) && is_index(index);
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

/* RFC 8224 4: a token of ours to repeat, octet by octet. */
static bool is_token_with_info(struct bytes value)
{
	return bytes_find(value, ';') < value.n && bytes_find(value, ' ') > 0;
}

bool carried_value_is_valid(enum carried kind, struct bytes value)
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

void carried_number_params(struct writer *w, const struct sip_uri *uri)
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
