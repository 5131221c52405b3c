using System.Buffers;
using System.Globalization;
using System.Text;

namespace MeshLite.Metrics;

/// <summary>
/// Writes lines of either format into the caller's buffer; holds nothing else. The formats differ in the family's name
/// in headers, the <c>UNIT</c> line, the escaping of help texts, and the end marker.
/// </summary>
internal readonly ref struct ExpositionWriter(IBufferWriter<byte> output, ExpositionFormat format)
{
    private readonly IBufferWriter<byte> _output = output;

    public ExpositionFormat Format { get; } = format;

    public void Header(MetricFamily family)
    {
        var openMetrics = Format == ExpositionFormat.OpenMetrics;
        var name = openMetrics ? family.FamilyName : family.Name;
        Text("# HELP "u8);
        Text(name);
        Text(" "u8);
        Escape(_output, family.Help, quotes: openMetrics);
        Text("\n# TYPE "u8);
        Text(name);
        Text(family.Type switch
        {
            MetricType.Counter => " counter\n"u8,
            MetricType.Gauge => " gauge\n"u8,
            _ => " histogram\n"u8,
        });
        if (openMetrics && family.Unit.Length > 0)
        {
            Text("# UNIT "u8);
            Text(name);
            Text(" "u8);
            Text(family.Unit);
            Text("\n"u8);
        }
    }

    /// <summary>One sample; <paramref name="labels"/> as <see cref="EncodeLabels"/> made them.</summary>
    public void Sample(ReadOnlySpan<byte> name, ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> labels, long value)
    {
        Start(name, suffix, labels, default);
        var span = _output.GetSpan(24);
        value.TryFormat(span, out var written, default, CultureInfo.InvariantCulture);
        span[written] = (byte)'\n';
        _output.Advance(written + 1);
    }

    /// <inheritdoc cref="Sample(ReadOnlySpan{byte}, ReadOnlySpan{byte}, ReadOnlySpan{byte}, long)"/>
    public void Sample(ReadOnlySpan<byte> name, ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> labels, double value)
    {
        Start(name, suffix, labels, default);
        if (double.IsFinite(value))
        {
            // The shortest text that reads back as the same number.
            var span = _output.GetSpan(33);
            value.TryFormat(span, out var written, "R", CultureInfo.InvariantCulture);
            span[written] = (byte)'\n';
            _output.Advance(written + 1);
        }
        else
        {
            Text(double.IsNaN(value) ? "NaN\n"u8 : value > 0 ? "+Inf\n"u8 : "-Inf\n"u8);
        }
    }

    /// <summary>One bucket; <paramref name="exemplar"/> only in OpenMetrics, the other format has none.</summary>
    public void Bucket(ReadOnlySpan<byte> name, ReadOnlySpan<byte> labels, ReadOnlySpan<byte> le, long count, Exemplar? exemplar)
    {
        Start(name, "_bucket"u8, labels, le);
        var span = _output.GetSpan(24);
        count.TryFormat(span, out var written, default, CultureInfo.InvariantCulture);
        _output.Advance(written);
        if (exemplar is not null)
        {
            WriteExemplar(exemplar);
        }

        Text("\n"u8);
    }

    public void End()
    {
        if (Format == ExpositionFormat.OpenMetrics)
        {
            Text("# EOF\n"u8);
        }
    }

    /// <summary><c>a="x",b="y"</c>, without braces, so that a histogram can add its own label to it.</summary>
    public static void EncodeLabels(IBufferWriter<byte> target, ReadOnlySpan<string> names, ReadOnlySpan<string> values)
    {
        for (var i = 0; i < names.Length; i++)
        {
            target.Write(i == 0 ? default : ","u8);
            Encoding.UTF8.GetBytes(names[i], target);
            target.Write("=\""u8);
            Escape(target, values[i], quotes: true);
            target.Write("\""u8);
        }
    }

    // OpenMetrics 1.0, "Exemplars": " # " labels " " value " " timestamp in seconds.
    private void WriteExemplar(Exemplar exemplar)
    {
        Text(" # "u8);
        exemplar.Trace.WriteLabels(_output.GetSpan(TraceExemplar.LabelsLength));
        _output.Advance(TraceExemplar.LabelsLength);
        Text(" "u8);
        var span = _output.GetSpan(64);
        exemplar.Value.TryFormat(span, out var written, "R", CultureInfo.InvariantCulture);
        span[written++] = (byte)' ';
        (exemplar.Time.ToUnixTimeMilliseconds() / 1000m).TryFormat(span[written..], out var time, "0.000", CultureInfo.InvariantCulture);
        _output.Advance(written + time);
    }

    private void Start(ReadOnlySpan<byte> name, ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> labels, ReadOnlySpan<byte> le)
    {
        Text(name);
        Text(suffix);
        if (!labels.IsEmpty || !le.IsEmpty)
        {
            Text("{"u8);
            Text(labels);
            if (!le.IsEmpty)
            {
                Text(labels.IsEmpty ? "le=\""u8 : ",le=\""u8);
                Text(le);
                Text("\""u8);
            }

            Text("}"u8);
        }

        Text(" "u8);
    }

    private static void Escape(IBufferWriter<byte> target, ReadOnlySpan<char> text, bool quotes)
    {
        while (true)
        {
            var next = quotes ? text.IndexOfAny('\\', '\n', '"') : text.IndexOfAny('\\', '\n');
            // Lone surrogates become U+FFFD: the exposition is UTF-8 whatever a label holds.
            Encoding.UTF8.GetBytes(next < 0 ? text : text[..next], target);
            if (next < 0)
            {
                return;
            }

            target.Write(text[next] switch { '\\' => "\\\\"u8, '\n' => "\\n"u8, _ => "\\\""u8 });
            text = text[(next + 1)..];
        }
    }

    private void Text(ReadOnlySpan<byte> bytes) => _output.Write(bytes);

    private void Text(string ascii) => Encoding.ASCII.GetBytes(ascii, _output);
}
