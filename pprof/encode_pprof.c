// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "pprof/encode.h"
#include "pprof/gzip.h"
#include "pprof/profile_tables.h"
#include "profile.pb-c.h"

/*
 * Two messages of protocol buffers, one behind the other, are the message with the fields of both.
 * So a profile is written as many small ones, a sample or a function each, in the order of the
 * field numbers: the same bytes as from one large message, which is never in memory.
 */
typedef Perftools__Profiles__Profile Piece;
typedef Perftools__Profiles__ValueType ValueType;
typedef Perftools__Profiles__Sample Sample;
typedef Perftools__Profiles__Label Label;
typedef Perftools__Profiles__Mapping Mapping;
typedef Perftools__Profiles__Location Location;
typedef Perftools__Profiles__Line Line;
typedef Perftools__Profiles__Function Function;

static const Piece empty_piece = PERFTOOLS__PROFILES__PROFILE__INIT;

/* What the locations of one mapping have in common. */
struct facts {
	bool has_locations;
	bool lacks_functions;
	bool lacks_filenames;
	bool lacks_lines;
	bool has_inlined;
};

struct encoder {
	const struct profile *profile;
	struct gzip *gzip;
	uint8_t *packed; /* one piece */
	size_t packed_bytes;
	struct facts *facts; /* one for each mapping */
	Label *labels;       /* as many as the sample with most of them has */
	Label **label_slots;
	Line *lines; /* likewise, of a location */
	Line **line_slots;
};

static void encoder_free(struct encoder *encoder)
{
	if (!encoder)
		return;
	gzip_free(encoder->gzip);
	free(encoder->packed);
	free(encoder->facts);
	free(encoder->labels);
	free(encoder->label_slots);
	free(encoder->lines);
	free(encoder->line_slots);
	free(encoder);
}
DEFINE_AUTO(encoder);

static int write_piece(struct encoder *encoder, const Piece *piece)
{
	size_t size = protobuf_c_message_get_packed_size(&piece->base);

	if (size > encoder->packed_bytes) {
		uint8_t *grown = realloc(encoder->packed, size * 2);

		if (!grown)
			return -ENOMEM;
		encoder->packed = grown;
		encoder->packed_bytes = size * 2;
	}
	protobuf_c_message_pack(&piece->base, encoder->packed);
	return gzip_write(encoder->gzip, encoder->packed, size);
}

static int write_sample_types(struct encoder *encoder)
{
	const struct profile *profile = encoder->profile;

	for (size_t i = 0; i < profile->value_type_count; i++) {
		ValueType type = PERFTOOLS__PROFILES__VALUE_TYPE__INIT, *slot = &type;
		Piece piece = empty_piece;
		int err;

		type.type = profile->value_types[i].type;
		type.unit = profile->value_types[i].unit;
		piece.n_sample_type = 1;
		piece.sample_type = &slot;
		err = write_piece(encoder, &piece);
		if (err)
			return err;
	}
	return 0;
}

static int write_sample(struct encoder *encoder, size_t index)
{
	const struct sample_record *record = profile_sample(encoder->profile, index);
	const struct label_record *labels = sample_labels(record);
	Sample sample = PERFTOOLS__PROFILES__SAMPLE__INIT, *slot = &sample;
	Piece piece = empty_piece;

	/* protobuf-c only reads what it packs, but its structs know no const. */
	sample.n_location_id = record->location_count;
	sample.location_id = (uint64_t *)record->locations;
	sample.n_value = encoder->profile->value_type_count;
	sample.value = profile_values(encoder->profile, index);
	for (size_t i = 0; i < record->label_count; i++) {
		Label *label = &encoder->labels[i];

		perftools__profiles__label__init(label);
		label->key = labels[i].key;
		label->str = labels[i].text;
		label->num = labels[i].number;
		encoder->label_slots[i] = label;
	}
	sample.n_label = record->label_count;
	sample.label = encoder->label_slots;
	piece.n_sample = 1;
	piece.sample = &slot;
	return write_piece(encoder, &piece);
}

/*
 * No range and no offset: readers then take addresses as the ELF file's own. To claim has_... for
 * a mapping keeps servers from looking for what is missing, so every location has to agree.
 */
static int write_mapping(struct encoder *encoder, size_t index)
{
	const struct mapping_record *record = profile_mapping(encoder->profile, index + 1);
	const struct facts *facts = &encoder->facts[index];
	Mapping mapping = PERFTOOLS__PROFILES__MAPPING__INIT, *slot = &mapping;
	Piece piece = empty_piece;

	mapping.id = index + 1;
	mapping.filename = record->filename;
	mapping.build_id = record->build_id;
	if (facts->has_locations && !facts->lacks_functions) {
		mapping.has_functions = record->has_functions != 0;
		mapping.has_filenames = !facts->lacks_filenames;
		mapping.has_line_numbers = !facts->lacks_lines;
		mapping.has_inline_frames = !facts->lacks_lines && facts->has_inlined;
	}
	piece.n_mapping = 1;
	piece.mapping = &slot;
	return write_piece(encoder, &piece);
}

static int write_location(struct encoder *encoder, size_t index)
{
	const struct location_record *record = profile_location(encoder->profile, index + 1);
	Location location = PERFTOOLS__PROFILES__LOCATION__INIT, *slot = &location;
	Piece piece = empty_piece;

	location.id = index + 1;
	location.mapping_id = record->mapping;
	location.address = record->address;
	for (size_t i = 0; i < record->line_count; i++) {
		Line *line = &encoder->lines[i];

		perftools__profiles__line__init(line);
		line->function_id = record->lines[i].function;
		line->line = record->lines[i].line;
		encoder->line_slots[i] = line;
	}
	location.n_line = record->line_count;
	location.line = encoder->line_slots;
	piece.n_location = 1;
	piece.location = &slot;
	return write_piece(encoder, &piece);
}

static int write_function(struct encoder *encoder, size_t index)
{
	const struct function_record *record = profile_function(encoder->profile, index + 1);
	Function function = PERFTOOLS__PROFILES__FUNCTION__INIT, *slot = &function;
	Piece piece = empty_piece;

	function.id = index + 1;
	function.name = record->name;
	function.system_name = record->system_name;
	function.filename = record->filename;
	function.start_line = record->start_line;
	piece.n_function = 1;
	piece.function = &slot;
	return write_piece(encoder, &piece);
}

static int write_string(struct encoder *encoder, size_t index)
{
	char *slot = (char *)profile_string(encoder->profile, (uint32_t)index);
	Piece piece = empty_piece;

	piece.n_string_table = 1;
	piece.string_table = &slot;
	return write_piece(encoder, &piece);
}

/* What a profile has one of; the fields from number 9 on. */
static int write_rest(struct encoder *encoder)
{
	const struct profile *profile = encoder->profile;
	ValueType period_type = PERFTOOLS__PROFILES__VALUE_TYPE__INIT;
	int64_t *comments = calloc(profile->comments.count + 1, sizeof(*comments));
	Piece piece = empty_piece;
	int err;

	if (!comments)
		return -ENOMEM;
	for (size_t i = 0; i < profile->comments.count; i++)
		comments[i] = profile->comments.items[i];
	period_type.type = profile->period_type.type;
	period_type.unit = profile->period_type.unit;

	piece.time_nanos = profile->time_ns;
	piece.duration_nanos = profile->duration_ns;
	piece.period_type = period_type.type ? &period_type : NULL;
	piece.period = profile->period;
	piece.n_comment = profile->comments.count;
	piece.comment = comments;
	piece.default_sample_type = profile->value_types[profile_last_value(profile)].type;
	err = write_piece(encoder, &piece);
	free(comments);
	return err;
}

static int write_all(struct encoder *encoder)
{
	const struct profile *profile = encoder->profile;
	const struct {
		size_t count;
		int (*write)(struct encoder *encoder, size_t index);
	} tables[] = {
		{ profile_sample_count(profile), write_sample },
		{ intern_count(profile->mappings), write_mapping },
		{ intern_count(profile->locations), write_location },
		{ intern_count(profile->functions), write_function },
		{ intern_count(profile->strings), write_string },
	};
	int err = write_sample_types(encoder);

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (size_t i = 0; !err && i < tables[t].count; i++)
			err = tables[t].write(encoder, i);
	}
	if (!err)
		err = write_rest(encoder);
	return err;
}

static void learn_facts(const struct profile *profile, const struct location_record *location,
			struct facts *facts)
{
	facts->has_locations = true;
	facts->lacks_functions |= !location->line_count;
	facts->has_inlined |= location->line_count > 1;
	for (size_t i = 0; i < location->line_count; i++) {
		const struct profile_line *line = &location->lines[i];

		facts->lacks_filenames |= !profile_function(profile, line->function)->filename;
		facts->lacks_lines |= !line->line;
	}
}

static int make_lines(struct encoder *encoder)
{
	const struct profile *profile = encoder->profile;
	size_t most = 0;

	/* One more than there are: calloc(0) may be NULL. */
	encoder->facts = calloc(intern_count(profile->mappings) + 1UL, sizeof(*encoder->facts));
	if (!encoder->facts)
		return -ENOMEM;
	for (size_t i = 1; i <= intern_count(profile->locations); i++) {
		const struct location_record *location = profile_location(profile, i);

		if (location->mapping)
			learn_facts(profile, location, &encoder->facts[location->mapping - 1]);
		if (location->line_count > most)
			most = location->line_count;
	}

	encoder->lines = calloc(most + 1, sizeof(Line));
	encoder->line_slots = calloc(most + 1, sizeof(Line *));
	return encoder->lines && encoder->line_slots ? 0 : -ENOMEM;
}

static int make_labels(struct encoder *encoder)
{
	size_t most = 0;

	for (size_t i = 0; i < profile_sample_count(encoder->profile); i++) {
		const struct sample_record *sample = profile_sample(encoder->profile, i);

		if (sample->label_count > most)
			most = sample->label_count;
	}

	encoder->labels = calloc(most + 1, sizeof(Label));
	encoder->label_slots = calloc(most + 1, sizeof(Label *));
	return encoder->labels && encoder->label_slots ? 0 : -ENOMEM;
}

int encode_pprof(const struct profile *profile, FILE *stream)
{
	AUTO(encoder) encoder = calloc(1, sizeof(*encoder));
	int err;

	if (!encoder)
		return -ENOMEM;
	encoder->profile = profile;
	err = gzip_new(&encoder->gzip, stream);
	if (!err)
		err = make_lines(encoder);
	if (!err)
		err = make_labels(encoder);
	if (!err)
		err = write_all(encoder);
	if (!err)
		err = gzip_finish(encoder->gzip);
	return err;
}
