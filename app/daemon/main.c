/* SPDX-License-Identifier: Apache-2.0 */
/* tandemd: the process of one node, or a check of its settings (--check-config, --check-syntax).
 * Sets up what must hold before any thread or library starts: malloc's threshold and an environment
 * without proxies. The exit status is a NODE_EXIT value. */

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/daemon/daemon.h"
#include "app/node/node_life.h"
#include "app/schema/feature.h"
#include "app/settings/settings.h"
#include "base/clock.h"

static const char g_usage[] =
	"usage: tandemd --config FILE        run the node of this file\n"
	"       tandemd --check-config FILE  print what a node could not start with here and now;\n"
	"                                    exit status 0 or 2\n"
	"       tandemd --check-syntax FILE  the same of the text alone, on any machine\n"
	"       tandemd --print-config-reference\n"
	"       tandemd --version\n";

static int check_config(const char *path, enum node_reading why)
{
	struct settings *settings = calloc(1, sizeof(*settings));
	int err = settings ? node_settings_read(settings, path, why) : -1;

	free(settings);
	if (!err)
		(void)printf("%s: fine\n", path);
	return err ? NODE_EXIT_CONFIG : NODE_EXIT_OK;
}

static int print_reference(void)
{
	static char text[65536];
	struct writer w = writer_over(text, sizeof(text));

	features_settings_add();
	settings_write_reference(&w);
	return fwrite(text, 1, w.n, stdout) == w.n ? NODE_EXIT_OK : NODE_EXIT_FAILED;
}

/* Tests alone ask for it: minutes pass in seconds. */
static int hurry(void)
{
	const char *text = getenv("TANDEM_CLOCK");

	if (clock_scale_by(text)) {
		(void)fprintf(stderr,
			      "tandemd: TANDEM_CLOCK=%s is not RATE@ORIGIN_NS: unset it, it is for "
			      "tests\n",
			      text);
		return NODE_EXIT_CONFIG;
	}
	if (text)
		(void)fprintf(
			stderr,
			"tandemd: TANDEM_CLOCK=%s: time is not the kernel's; for tests alone\n",
			text);
	return 0;
}

/* A node connects to what its settings name, and libraries ask nobody else the way. */
static void proxies_forget(void)
{
	static const char *const names[] = { "http_proxy",  "HTTP_PROXY", "https_proxy",
					     "HTTPS_PROXY", "all_proxy",  "ALL_PROXY",
					     "socks_proxy", "SOCKS_PROXY" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		(void)unsetenv(names[i]);
}

enum { LARGE = 128 * 1024 };

/* Large blocks are always mappings of their own. Otherwise the first file of documents raises
 * malloc's threshold to a megabyte, and each later block leaves a hole in the heap. */
static int node_run_file(const char *path)
{
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
	proxies_forget();
	return node_run(path);
}

int main(int argc, char **argv)
{
	if (hurry())
		return NODE_EXIT_CONFIG;
	if (argc == 3 && !strcmp(argv[1], "--config"))
		return node_run_file(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--check-config"))
		return check_config(argv[2], NODE_READ_CHECK);
	if (argc == 3 && !strcmp(argv[1], "--check-syntax"))
		return check_config(argv[2], NODE_READ_TEXT);
	if (argc == 2 && !strcmp(argv[1], "--print-config-reference"))
		return print_reference();
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		(void)printf("tandemd %s\n", TANDEM_VERSION);
		return NODE_EXIT_OK;
	}
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		(void)fputs(g_usage, stdout);
		return NODE_EXIT_OK;
	}
	(void)fputs(g_usage, stderr);
	return NODE_EXIT_CONFIG;
}
