/* SPDX-License-Identifier: Apache-2.0 */
/* Which node tandemctl speaks to: where its socket and its Redis are. The rest of its settings may be as wrong as they like. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command/control_local.h"
#include "app/ctl/ctl.h"
#include "cluster/embedded/embedded.h"

/* Where a node of this machine has its settings, if nobody says so: the first that is there. */
static const char *const g_usual[] = { "/var/lib/tandem/tandem.yaml", "/etc/tandem/tandem.yaml" };

static const char *config_usual(void)
{
	const char *given = getenv("TANDEM_CONFIG");

	if (given && given[0])
		return given;
	for (size_t i = 0; i < COUNT_OF(g_usual); i++) {
		if (access(g_usual[i], F_OK) == 0)
			return g_usual[i];
	}
	return NULL;
}

/* A file that is no YAML at all: the node's folder is where init put the file. */
static void state_dir_guess(struct settings *s, const char *config)
{
	char path[PATH_MAX];

	if (s->node.state_dir[0] || !realpath(config, path))
		return;
	(void)snprintf(s->node.state_dir, sizeof(s->node.state_dir), "%s", dirname(path));
}

static void place_write(struct ctl_target *out, const struct settings *s)
{
	int n = snprintf(out->local, sizeof(out->local), "%s/" CONTROL_LOCAL_SOCKET,
			 s->node.state_dir);

	if (n < 0 || (size_t)n >= sizeof(out->local) || !s->node.state_dir[0])
		out->local[0] = '\0';
	out->place = s->redis.place;
	if (!out->place.url[0]) {
		(void)snprintf(out->place.url, sizeof(out->place.url), "unix:%s/" EMBEDDED_SOCKET,
			       s->node.state_dir);
	}
}

static int config_read(struct ctl_target *out, const char *config)
{
	static struct settings settings;
	static struct conf_errors errors;
	char *text;
	size_t n;
	int err = settings_load(config, &text, &n);

	if (err)
		return err;
	/* errors are tandemd's to tell: what is right has been read */
	memset(&settings, 0, sizeof(settings));
	(void)!conf_read(&settings, g_settings_fields, bytes_mem(text, n), &errors);
	explicit_bzero(text, n); /* the url may hold a password */
	free(text);
	state_dir_guess(&settings, config);
	place_write(out, &settings);
	explicit_bzero(&settings, sizeof(settings));
	return 0;
}

bool ctl_target_find(struct ctl_target *out, const char *config, const char *redis)
{
	int err;

	*out = (struct ctl_target){ 0 };
	if (redis) {
		(void)snprintf(out->place.url, sizeof(out->place.url), "%s", redis);
		return true;
	}
	config = config ? config : config_usual();
	if (!config) {
		ctl_complain("which node? --config FILE (its tandem.yaml) or --redis URL says so, "
			     "or TANDEM_CONFIG in the environment; there is neither %s nor %s",
			     g_usual[0], g_usual[1]);
		return false;
	}
	err = config_read(out, config);
	if (err)
		ctl_complain("%s: %s", config, strerror(-err));
	return !err;
}
