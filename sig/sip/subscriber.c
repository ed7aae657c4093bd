/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/subscriber.h"

#include <errno.h>
#include <string.h>

struct subscriber subscriber_of(const struct sip_uri *uri)
{
	size_t end = bytes_find(uri->user, ';');
	bool tel = bytes_iis(uri->scheme, "tel");
	struct bytes kind;

	return (struct subscriber){
		.name = bytes_sub(uri->user, 0, end),
		.params = tel ? uri->params : bytes_from(uri->user, end + 1),
		.phone = tel || (sip_param(uri->params, "user", &kind) && bytes_iis(kind, "phone")),
	};
}

/* RFC 3966 3: visual-separator */
static bool is_separator(char c)
{
	return c == '-' || c == '.' || c == '(' || c == ')';
}

/* RFC 3966 3: phonedigit-hex, '*' and '#'; a '+' at the beginning alone */
static bool subscriber_is_number(const char *text)
{
	bool any = false;

	for (const char *p = text; *p; p++) {
		if (is_separator(*p) || (*p == '+' && p == text))
			continue;
		if (!strchr("0123456789*#ABCDabcd", *p))
			return false;
		any = true;
	}
	return any;
}

static void strip_separators(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (!is_separator(*p))
			*to++ = *p;
	}
	*to = '\0';
}

int subscriber_text(const struct subscriber *s, char *out, size_t cap)
{
	size_t n;
	int err = s->name.n ? sip_user_unescape(s->name, out, cap, &n) : -EINVAL;

	if (!err && s->phone && subscriber_is_number(out))
		strip_separators(out);
	return err;
}
