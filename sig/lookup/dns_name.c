/* SPDX-License-Identifier: Apache-2.0 */
/* Names, and what is called how. */
#include <errno.h>

#include "sig/lookup/dns.h"

enum { LABEL_MAX = 63 };

static bool dns_name_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool label_is_good(struct bytes label)
{
	for (size_t i = 0; i < label.n; i++) {
		if (!dns_name_char(lower(label.p[i])))
			return false;
	}
	return label.n > 0 && label.n <= LABEL_MAX;
}

int dns_name_from(struct dns_name *out, struct bytes text)
{
	struct bytes rest = text, label;

	if (text.n && text.p[text.n - 1] == '.')
		rest.n--;
	if (!rest.n || rest.n >= DNS_NAME_CAP || rest.p[rest.n - 1] == '.')
		return -EINVAL;
	text = rest;
	while (bytes_cut(&rest, '.', &label)) {
		if (!label_is_good(label))
			return -EINVAL;
	}
	for (size_t i = 0; i < text.n; i++)
		out->text[i] = (char)lower(text.p[i]);
	out->text[text.n] = '\0';
	return 0;
}

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
	return strcmp(a->text, b->text) == 0;
}

const char *dns_type_name(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_CNAME:
		return "CNAME";
	case DNS_SOA:
		return "SOA";
	case DNS_AAAA:
		return "AAAA";
	case DNS_SRV:
		return "SRV";
	case DNS_NAPTR:
		return "NAPTR";
	}
	return "other";
}
