/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/subscription/package.h"

#include "sig/sip/xml.h"

static const struct package g_packages[PACKAGES] = {
	[PACKAGE_DIALOG] = { .name = "dialog",
			     .type = "application/dialog-info+xml",
			     .of_dialogs = true,
			     .write = dialog_info_write },
	[PACKAGE_PRESENCE] = { .name = "presence",
			       .type = "application/pidf+xml",
			       .of_dialogs = true,
			       .of_phones = true,
			       .write = presence_write },
	[PACKAGE_REG] = { .name = "reg",
			  .type = "application/reginfo+xml",
			  .own = true,
			  .of_phones = true,
			  .write = reg_info_write },
	[PACKAGE_CONFERENCE] = { .name = "conference",
				 .type = "application/conference-info+xml",
				 .of_conferences = true,
				 .tells_end = true,
				 .pace_ms = 1000, /* RFC 4575 3.9 */
				 .write = conference_info_write },
};

const struct package *package_of(enum package_kind kind)
{
	return &g_packages[kind];
}

enum package_kind package_find(struct bytes name)
{
	for (unsigned i = 0; i < PACKAGES; i++) {
		if (bytes_iis(name, g_packages[i].name))
			return (enum package_kind)i;
	}
	return PACKAGES;
}

void package_write_allowed(struct writer *w)
{
	for (unsigned i = 0; i < PACKAGES; i++)
		WRITER_TEXTS(w, i ? ", " : "Allow-Events: ", g_packages[i].name);
	writer_str(w, "\r\n");
}

void package_write_uri(struct writer *w, const struct sip_uri *uri)
{
	bool v6 = bytes_find(uri->host, ':') < uri->host.n;

	xml_write(w, uri->scheme);
	writer_str(w, ":");
	xml_write(w, uri->user);
	if (uri->user.n && uri->host.n)
		writer_str(w, "@");
	writer_str(w, v6 ? "[" : "");
	xml_write(w, uri->host);
	writer_str(w, v6 ? "]" : "");
	if (uri->port)
		writer_number(w, ":", uri->port, "");
}
