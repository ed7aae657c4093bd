/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of files of phones: the section provision of the node file. */
#ifndef APP_FEATURE_PROVISION_PROVISION_SETTINGS_H
#define APP_FEATURE_PROVISION_PROVISION_SETTINGS_H

#include "app/settings/settings.h"

struct provision_settings {
	struct addr bind;
	uint32_t http, https;     /* ports; 0: none */
	char server[256];         /* that phones register at; "": where they ask */
	char time_server[256];    /* SNTP */
	char firmware[256];       /* folder; "": none */
	char factory_ca[256];     /* file of authorities of phones; "": those of tls */
	uint32_t secondary_users; /* that a gateway takes as secondary proxy; 0: any number */
	bool ftp;                 /* a pure-ftpd may ask who logs in */
	bool digest;              /* Digest is taken, too */
	bool firmware_unknown;    /* phones that no document names are offered it, too */
};

extern struct settings_section g_provision_settings;
static inline const struct provision_settings *provision_settings_of(const struct settings *s)
{
	return settings_of(s, &g_provision_settings);
}

#endif
