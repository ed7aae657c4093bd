/* SPDX-License-Identifier: Apache-2.0 */
/* The row of LDAP in the list of features: it has ports, and no command of its own. */

#include "app/command/table/table.h"
#include "app/feature/ldap/ldap_server.h"
#include "app/feature/ldap/ldap_settings.h"

const struct app_feature g_ldap_feature = {
	.name = "ldap",
	.metrics = BY(g_ldap_metric_rows),
	.settings = &g_ldap_settings,
	.listen = BY(ldap_listen),
	.second = BY(ldap_second),
	.reload = BY(ldap_reload),
	.close = BY(ldap_close),
};
