/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandemctl init: the files that a first start needs. What is there stays; what is missing is made. So it also completes settings that
 * somebody wrote by hand.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/ctl/certificate.h"
#include "app/ctl/ctl.h"
#include "app/ctl/ctl_init.h"
#include "app/settings/keys.h"
#include "base/file.h"

struct option {
	const char *name;
	const char **value;
	bool always; /* also where the settings are there */
};

enum { OPTIONS_MAX = 16 };

static size_t options_of(struct init *x, struct option out[OPTIONS_MAX])
{
	const struct option known[] = {
		{ "--dir", &x->dir, true },
		{ "--config", &x->config, true },
		{ "--names", &x->names, true },
		{ "--bind", &x->bind, false },
		{ "--advertise", &x->advertise, false },
		{ "--sip-ports", &x->sip_ports, false },
		{ "--tcp-ports", &x->tcp_ports, false },
		{ "--tls-ports", &x->tls_ports, false },
		{ "--media-ports", &x->media_ports, false },
		{ "--http", &x->http, false },
		{ "--name", &x->name, false },
		{ "--shard", &x->shard, false },
		{ "--trusted", &x->trusted, false },
	};

	memcpy(out, known, sizeof(known));
	return COUNT_OF(known);
}

static bool init_option_set(struct init *x, const char *word, const char *value)
{
	struct option known[OPTIONS_MAX];
	size_t count = options_of(x, known), k = 0;

	while (k < count && strcmp(word, known[k].name) != 0)
		k++;
	if (k < count) {
		*known[k].value = value;
		return true;
	}
	if (strcmp(word, "--network") != 0 || x->network_count == INIT_NETWORKS_MAX)
		return false;
	x->network_words[x->network_count++] = value;
	return true;
}

static bool init_options_read(struct init *x, int argc, char **argv)
{
	for (int i = 0; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!init_option_set(x, argv[i], value)) {
			ctl_complain("init: what is '%s'?", argv[i]);
			return false;
		}
		if (i + 1 >= argc) {
			ctl_complain("init: %s needs a value", argv[i]);
			return false;
		}
	}
	if (!x->dir == !x->config) {
		ctl_complain("init: give --dir DIR for a new node, or --config FILE to complete "
			     "what its settings name");
		return false;
	}
	if (x->names && !init_names_are_fine(x->names)) {
		ctl_complain("init: --names must be names or addresses, such as "
			     "sip.example.org,192.0.2.10");
		return false;
	}
	return true;
}

/* The first option that only a new file would have; NULL: none. */
static const char *option_of_a_new_file(struct init *x)
{
	struct option known[OPTIONS_MAX];
	size_t count = options_of(x, known);

	for (size_t k = 0; k < count; k++) {
		if (!known[k].always && *known[k].value)
			return known[k].name;
	}
	return x->network_count ? "--network" : NULL;
}

/* Also the folders above, as mkdir -p. */
static int folder_make(const char *dir, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s", dir);

	if (n <= 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	return realpath(dir, path) ? 0 : -errno;
}

/* ---- the certificate ---- */

enum { NAMES_TEXT = 1024 };

struct names {
	struct certificate_names list;
	char text[NAMES_TEXT];
	char addresses[2 * INIT_NETWORKS_MAX][ADDR_TEXT_MAX];
	uint32_t address_count;
};

static void name_add(struct names *n, const char *name)
{
	for (uint32_t i = 0; i < n->list.count; i++) {
		if (!strcmp(n->list.list[i], name))
			return;
	}
	if (n->list.count < CERTIFICATE_NAMES_MAX)
		n->list.list[n->list.count++] = name;
}

static void init_address_add(struct names *n, const struct addr *address)
{
	char *text;
	struct writer w;

	if (n->address_count == COUNT_OF(n->addresses))
		return;
	text = n->addresses[n->address_count++];
	w = writer_over(text, ADDR_TEXT_MAX - 1);
	addr_write_ip(&w, address);
	text[w.n] = '\0';
	name_add(n, text);
}

/* What phones and browsers may have been told: the first one is also the subject. */
static void names_collect(struct names *n, const struct init *x, const struct settings *s)
{
	*n = (struct names){ 0 };
	(void)snprintf(n->text, sizeof(n->text), "%s", x->names ? x->names : "");
	for (char *rest = n->text, *word; (word = strsep(&rest, ",")) != NULL;) {
		if (*word)
			name_add(n, word);
	}
	name_add(n, s->node.name);
	name_add(n, "localhost");
	for (uint32_t i = 0; i < s->network_count && i < INIT_NETWORKS_MAX; i++) {
		init_address_add(n, &s->networks[i].bind);
		init_address_add(n, &s->networks[i].advertise);
	}
	name_add(n, "127.0.0.1");
	name_add(n, "::1");
}

/* ---- files ---- */

static bool file_is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* err of what should have made it: 0 or -EEXIST is fine. */
static int file_tell(int err, const char *path, const char *what)
{
	if (!err || err == -EEXIST)
		(void)printf("%s %s (%s)\n", err ? "kept" : "made", path, what);
	else
		ctl_complain("init: cannot write %s: %s", path, strerror(-err));
	return err == -EEXIST ? 0 : err;
}

static int keys_complete(const struct settings *s)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/keys", s->node.state_dir);
	return file_tell(keys_create(path), path, "the secret of the cluster");
}

static int tls_complete(const struct init *x, const struct settings *s)
{
	static char path[PATH_MAX];
	static struct names names;

	if (!s->tls.is_preset) {
		(void)printf("kept %s (tls.certificate)\n", s->tls.own.certificate);
		return 0;
	}
	names_collect(&names, x, s);
	(void)snprintf(path, sizeof(path), "%s/tls", s->node.state_dir);
	return file_tell(certificates_make(path, &names.list), path,
			 "certificate and authority: phones trust its ca.pem");
}

static bool settings_are_fine(const char *file, const char *yaml, size_t n, struct settings *out)
{
	static struct conf_errors errors;

	if (!settings_read(out, bytes_mem(yaml, n), &errors))
		return true;
	for (uint32_t i = 0; i < errors.count; i++) {
		if (file)
			ctl_complain("init: %s:%u:%u: %s", file, errors.list[i].line,
				     errors.list[i].column, errors.list[i].message);
		else
			ctl_complain("init: %s", errors.list[i].message);
	}
	return false;
}

static int rest_complete(const struct init *x, const struct settings *s)
{
	static char path[PATH_MAX];
	int err = folder_make(s->node.state_dir, path);

	if (err) {
		ctl_complain("init: cannot make %s: %s", s->node.state_dir, strerror(-err));
		return err;
	}
	err = tls_complete(x, s);
	return err ? err : keys_complete(s);
}

static int config_make(struct init *x, const char *config)
{
	static struct settings settings;
	static char yaml[INIT_YAML_MAX];
	int err;

	if (!init_yaml_write(x, yaml) || !settings_are_fine(NULL, yaml, strlen(yaml), &settings))
		return CTL_USAGE;
	err = rest_complete(x, &settings);
	if (!err)
		err = file_tell(file_create(config, 0600, bytes_str(yaml)), config, "settings");
	return err ? CTL_REFUSED : CTL_DONE;
}

static int config_complete(struct init *x, const char *config)
{
	static struct settings settings;
	const char *option = option_of_a_new_file(x);
	bool fine;
	char *text;
	size_t n;
	int err;

	if (option) {
		ctl_complain("init: %s is there already and stays as it is: %s is for a new file",
			     config, option);
		return CTL_REFUSED;
	}
	err = settings_load(config, &text, &n);
	if (err) {
		ctl_complain("init: %s: %s", config, strerror(-err));
		return CTL_REFUSED;
	}
	fine = settings_are_fine(config, text, n, &settings);
	explicit_bzero(text, n); /* the url may hold a password */
	free(text);
	if (!fine)
		return CTL_REFUSED;
	(void)printf("kept %s (settings)\n", config);
	return rest_complete(x, &settings) ? CTL_REFUSED : CTL_DONE;
}

int ctl_init(int argc, char **argv)
{
	static struct init x;
	static char config[PATH_MAX + 16];
	int err;

	x = (struct init){ 0 };
	if (argc == 1 && !strcmp(argv[0], "--help"))
		return ctl_help(NULL);
	if (!init_options_read(&x, argc, argv))
		return CTL_USAGE;
	if (x.config)
		return config_complete(&x, x.config);
	err = folder_make(x.dir, x.path);
	if (err) {
		ctl_complain("init: cannot make %s: %s", x.dir, strerror(-err));
		return CTL_REFUSED;
	}
	(void)snprintf(config, sizeof(config), "%s/tandem.yaml", x.path);
	return file_is_there(config) ? config_complete(&x, config) : config_make(&x, config);
}
