// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "pprof/call_tree.h"
#include "pprof/encode.h"
#include "pprof/frames.h"
#include "pprof/json.h"
#include "pprof/profile_tables.h"

/*
 * The page is flame_page.html with the profile as JSON in the place of the marker. Names come from
 * strangers: json_text() lets none of them end the <script> element, and the page shows them
 * only as text.
 */
extern const char flame_page_start[], flame_page_end[];

static const char marker[] = "@PROFILE@";

struct page {
	const struct profile *profile;
	FILE *stream;
	struct frames *frames;
	struct call_tree *tree;
	struct intern *texts; /* each text once, the page refers to them by number */
};

static void page_free(struct page *page)
{
	if (!page)
		return;
	frames_free(page->frames);
	call_tree_free(page->tree);
	intern_free(page->texts);
	free(page);
}
DEFINE_AUTO(page);

static int collect_texts(struct page *page)
{
	for (size_t i = 0; i < frames_count(page->frames); i++) {
		const struct frame *frame = frames_get(page->frames, (uint32_t)i);
		const char *const texts[] = { frame->name, frame->module, frame->file };
		uint32_t number;

		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
			int err = intern_add(page->texts, texts[k], strlen(texts[k]), &number);

			if (err)
				return err;
		}
	}
	return 0;
}

static uint32_t number_of(const struct page *page, const char *text)
{
	uint32_t number = 0;

	/* Never absent: collect_texts() has seen them all. */
	(void)intern_find(page->texts, text, strlen(text), &number);
	return number;
}

static void write_texts(const struct page *page)
{
	fputs(",\n\"texts\":[", page->stream);
	for (uint32_t i = 0; i < intern_count(page->texts); i++) {
		if (i)
			fputs(",\n", page->stream);
		json_text(page->stream, intern_get(page->texts, i, NULL));
	}
	putc(']', page->stream);
}

/* Five numbers a frame, in one flat array. */
static void write_frames(const struct page *page)
{
	fputs(",\n\"frames\":[", page->stream);
	for (size_t i = 0; i < frames_count(page->frames); i++) {
		const struct frame *frame = frames_get(page->frames, (uint32_t)i);

		fprintf(page->stream, "%s%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRId64 ",%d",
			i ? ",\n" : "", number_of(page, frame->name),
			number_of(page, frame->module), number_of(page, frame->file), frame->line,
			(int)frame->kind);
	}
	putc(']', page->stream);
}

static int64_t depth_of(const struct call_node *node)
{
	return node->depth;
}

static int64_t frame_of(const struct call_node *node)
{
	return node->frame;
}

static int64_t self_of(const struct call_node *node)
{
	return node->self;
}

static int64_t samples_of(const struct call_node *node)
{
	return node->samples;
}

static void write_nodes(const struct page *page, const char *name,
			int64_t (*field)(const struct call_node *node))
{
	fprintf(page->stream, ",\n\"%s\":[", name);
	for (size_t i = 0; i < call_tree_count(page->tree); i++)
		fprintf(page->stream, "%s%" PRId64, i ? "," : "",
			field(call_tree_get(page->tree, i)));
	putc(']', page->stream);
}

static void write_text_field(const struct page *page, const char *name, uint32_t string)
{
	fprintf(page->stream, ",\"%s\":", name);
	json_text(page->stream, profile_string(page->profile, string));
}

static void write_summary(const struct page *page)
{
	const struct profile *profile = page->profile;
	const struct type_record *type = &profile->value_types[profile_last_value(profile)];

	fprintf(page->stream, "{\"time_ns\":%" PRId64 ",\"duration_ns\":%" PRId64, profile->time_ns,
		profile->duration_ns);
	write_text_field(page, "type", type->type);
	write_text_field(page, "unit", type->unit);
	fputs(",\n\"comments\":[", page->stream);
	for (size_t i = 0; i < profile->comments.count; i++) {
		if (i)
			putc(',', page->stream);
		json_text(page->stream, profile_string(profile, profile->comments.items[i]));
	}
	putc(']', page->stream);
}

/* Numbers of samples are shown beside the values, unless they are the values. */
static bool counts_samples(const struct profile *profile)
{
	return profile->value_type_count > 1 &&
	       !strcmp(profile_string(profile, profile->value_types[0].unit), "count");
}

static void write_data(const struct page *page)
{
	write_summary(page);
	write_texts(page);
	write_frames(page);
	write_nodes(page, "node_depth", depth_of);
	write_nodes(page, "node_frame", frame_of);
	write_nodes(page, "node_self", self_of);
	if (counts_samples(page->profile))
		write_nodes(page, "node_samples", samples_of);
	putc('}', page->stream);
}

static int prepare(struct page *page)
{
	int err = frames_new(&page->frames, page->profile);

	if (!err)
		err = call_tree_new(&page->tree, page->profile, page->frames);
	if (!err)
		err = intern_new(&page->texts, SIZE_MAX);
	if (!err)
		err = collect_texts(page);
	return err;
}

int encode_html(const struct profile *profile, FILE *stream)
{
	size_t length = (size_t)(flame_page_end - flame_page_start);
	const char *hole = memmem(flame_page_start, length, marker, sizeof(marker) - 1);
	AUTO(page) page = calloc(1, sizeof(*page));
	const char *rest;
	int err;

	if (!hole)
		return -EINVAL;
	if (!page)
		return -ENOMEM;
	page->profile = profile;
	page->stream = stream;
	err = prepare(page);
	if (err)
		return err;

	rest = hole + sizeof(marker) - 1;
	fwrite(flame_page_start, 1, (size_t)(hole - flame_page_start), stream);
	write_data(page);
	fwrite(rest, 1, (size_t)(flame_page_end - rest), stream);
	return 0;
}
