/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of LDAP for desk phones: the section ldap of the node file. */
#ifndef APP_FEATURE_LDAP_LDAP_SETTINGS_H
#define APP_FEATURE_LDAP_LDAP_SETTINGS_H

#include "app/settings/settings.h"

struct ldap_settings {
	struct addr bind;
	uint32_t ldap, ldaps; /* ports; 0: none */
};

extern struct settings_section g_ldap_settings;
static inline const struct ldap_settings *ldap_settings_of(const struct settings *s)
{
	return settings_of(s, &g_ldap_settings);
}

#endif
