/* SPDX-License-Identifier: Apache-2.0 */
/* The section ldap of the node file: its rows, as docs/config.md shows them, and its rules. A
 * node and tandemctl read it with the others (settings_add). */

#include "app/feature/ldap/ldap_settings.h"

#include <string.h>

#include "app/settings/settings_schema.h"

static const struct conf_field ldap_fields[] = {
	SETTING("bind", "0.0.0.0", "Address of both ports.", ADDRESS(ldap_settings, bind),
		.at_start = true),
	SETTING("ldap", "0",
		"TCP port of LDAP, such as 389; 0: none. Passwords cross the network in the clear "
		"there: for a network of phones alone.",
		U32(ldap_settings, ldap, 0, 65535), .at_start = true),
	SETTING("ldaps", "0",
		"TCP port of LDAP over TLS, such as 636, with the certificates of tls; 0: none.",
		U32(ldap_settings, ldaps, 0, 65535), .at_start = true),
	{ .key = NULL },
};

static void ldap_check(const struct check *c, const void *value)
{
	const struct ldap_settings *l = value;

	if (l->bind.port)
		REPORT(c, "ldap.bind",
		       "ldap.bind is an address without a port: its ports are ldap.ldap and "
		       "ldap.ldaps");
	if (l->ldap && l->ldap == l->ldaps)
		REPORT(c, "ldap.ldaps", "ldap.ldaps is ldap.ldap too: give it another port");
}

struct settings_section g_ldap_settings = {
	.key = "ldap",
	.help = "Phone books of desk phones by LDAP: docs/guides/ldap.md.",
	.fields = ldap_fields,
	.size = sizeof(struct ldap_settings),
	.check = ldap_check,
};
