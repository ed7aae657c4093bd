/* SPDX-License-Identifier: Apache-2.0 */
/* The row of LDAP in the list of features: it has ports, and no command of its own. */

#include "app/command/table/table.h"
#include "app/feature/ldap/ldap_server.h"

const struct app_feature g_ldap_feature = {
	.name = "ldap",
	.metrics = BY(g_ldap_metric_rows),
	.listen = BY(ldap_listen),
	.second = BY(ldap_second),
	.reload = BY(ldap_reload),
	.close = BY(ldap_close),
};
