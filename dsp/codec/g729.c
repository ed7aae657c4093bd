/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/codec/g729.h"

#include <errno.h>
#include <stdio.h>

static const struct g729_module *g_g729; /* written before threads start */

int g729_load(char why[MODULE_TEXT_MAX])
{
	static const struct module MODULE = {
		.file = G729_MODULE, .folder = "dsp", .symbol = G729_SYMBOL, .needs = "bcg729"
	};
	const struct g729_module *m = module_load(&MODULE, why);

	if (m && m->version != G729_VERSION) {
		(void)snprintf(why, MODULE_TEXT_MAX, G729_MODULE " is of another version");
		m = NULL;
	}
	g_g729 = m;
	return m ? 0 : -ENOENT;
}

const struct g729_module *g729_module(void)
{
	return g_g729;
}
