using System.Text;
using MeshLite.Model;
using MeshLite.Sidecar.Authorization;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Routing;
using MeshLite.Sidecar.Telemetry.Tracing;
using MeshLite.TestKit.Fuzz;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Tests.Fuzz;

/// <summary>What reads parts of a request: anybody may have written them.</summary>
public sealed class RequestFuzzTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void PathNormalizer_AnyTarget_NormalIsNormal() =>
        new Fuzzer("targets", "/", "//", "/./", "/../", "%2e", "%2F", "%25", "%C0%AE", ";", "?", "#", "http://h", "https://").Run(
            text =>
            {
                var target = PathNormalizer.Normalize(text);
                _ = PathDoubt.Has(in target);
                _ = target.LogPath.Length + target.Query.Length + target.Authority.Length;
                if (target.Form is TargetForm.Origin or TargetForm.Absolute && !target.IsAmbiguous)
                {
                    var again = PathNormalizer.Normalize(target.Path.ToString());
                    again.Path.ToString().ShouldBe(target.Path.ToString());
                    again.IsAmbiguous.ShouldBeFalse();
                }
            },
            Encoding.Latin1);

    [Fact]
    public void AuthorityNormalizer_AnyAuthority_NormalIsNormal() => new Fuzzer("authorities", "[", "]", ":", "::1", ".", "%", "@").Run(
        text =>
        {
            if (AuthorityNormalizer.TryNormalize(text, out var key))
            {
                AuthorityNormalizer.TryNormalize(key.Authority, out var again).ShouldBeTrue();
                again.ShouldBe(key);
                again.Port.ShouldBe(key.Port);
                key.Host.IsEmpty.ShouldBeFalse();
            }
        },
        Encoding.Latin1);

    [Fact]
    public void Propagation_AnyHeaders_IsATraceOrNone() => new Fuzzer("trace", "traceparent: ", "tracestate: ", "b3: ", "X-B3-TraceId: ", "X-B3-Sampled: ", "-", "00-", "\n").Run(
        text =>
        {
            var headers = new HeaderDictionary();
            foreach (var line in text.Split('\n'))
            {
                if (line.IndexOf(':') is > 0 and var colon)
                {
                    headers.Append(line[..colon], line[(colon + 1)..].Trim());
                }
            }

            if (!Propagation.TryRead(headers, out var context))
            {
                return;
            }

            // What goes on is a trace again, the same one.
            var span = new RequestSpan
            {
                TraceId = context.TraceId, Id = context.SpanId, Parent = context.SpanId, Sampling = context.Sampling, Format = context.Format, HasShortId = context.HasShortId,
            };
            if (!span.IsStarted)
            {
                context.Format.ShouldNotBe(TraceFormat.W3C);
                return;
            }

            Propagation.Write(headers, in span);
            Propagation.TryRead(headers, out var again).ShouldBeTrue();
            again.TraceId.ShouldBe(context.TraceId);
            again.SpanId.ShouldBe(context.SpanId);
            (again.Sampling >= SamplingState.Accepted).ShouldBe(context.Sampling >= SamplingState.Accepted);
        },
        Encoding.Latin1);

    [Fact]
    public void TimeoutHeader_AnyValue_NeverGrows() => new Fuzzer("timeouts", "n", "u", "m", "S", "M", "H").Run(text =>
    {
        if (TimeoutHeader.TryParse(text, out var timeout))
        {
            timeout.ShouldBeGreaterThanOrEqualTo(TimeSpan.Zero);
            TimeoutHeader.TryParse(TimeoutHeader.Format(timeout), out var again).ShouldBeTrue();
            again.ShouldBeLessThanOrEqualTo(timeout);
        }
    });

    [Fact]
    public void RetryAfter_AnyValue_IsBounded() => new Fuzzer("retry-after", "GMT", "Thu, ", " ").Run(text =>
    {
        if (RetryAfter.TryParse(text, Now, out var wait))
        {
            wait.ShouldBeInRange(TimeSpan.Zero, RetryAfter.Max);
        }
    });

    [Fact]
    public void RequestCookie_AnyFields_IsAValueOrNone() => new Fuzzer("cookies", "a=", ";", "=", "\"", ", ").Run(
        text =>
        {
            if (RequestCookie.TryFind(text.Split('\n'), "a", out var value))
            {
                value.Contains(';').ShouldBeFalse();
                text.Contains(value, StringComparison.Ordinal).ShouldBeTrue();
            }
        },
        Encoding.Latin1);

    /// <summary>Of a value that is no length nothing may be left that reads as one; one that is stays as it is.</summary>
    [Fact]
    public void ContentLength_AnyValue_IsALengthOrUnreadable() => new Fuzzer("content-length", "+", "-", ",", " ", "0x", "9223372036854775808") { AllocationPerByte = 20 }.Run((byte[] value) =>
    {
        var read = ContentLengthEncoding.Instance.GetString(value);
        var text = Encoding.Latin1.GetString(value);
        read.ShouldBe(text.Length is > 0 and <= 19 && text.All(char.IsAsciiDigit) ? text : "?");
    });

    /// <summary>No field name in it is lost, none is made, and read again it says the same.</summary>
    [Fact]
    public void ConnectionField_AnyValue_KeepsItsNames() => new Fuzzer("connection", "close", "keep-alive", "Upgrade", ",", ", ", "x-hop").Run((byte[] value) =>
    {
        var read = ConnectionFieldEncoding.Instance.GetString(value);
        var text = Encoding.Latin1.GetString(value);
        Names(read).ShouldBe(Names(text), ignoreOrder: true);
        ConnectionFieldEncoding.Instance.GetString(Encoding.Latin1.GetBytes(read)).ShouldBe(read);

        static List<string> Names(string text) => text.Contains(',')
            ? [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(word => !word.Equals("keep-alive", StringComparison.OrdinalIgnoreCase))]
            : text.Length == 0 ? [] : [text];
    });

    /// <summary>Against decoding by the library: the first parameter of that name counts.</summary>
    [Fact]
    public void QueryMatcher_AnyQuery_MatchesAsDecodedTextDoes()
    {
        var exact = QueryMatcher.Build(new ValueMatchConfig(ValueMatchType.Exact, "a", "b c"), "", [])!;
        new Fuzzer("queries", "a=", "b%20c", "&", "=", "%", "%61", "%2", "%C3%BC", "+").Run(
            text =>
            {
                var first = text.Split('&').Where(pair => pair.Length > 0).Select(pair => pair.Split('=', 2)).FirstOrDefault(pair => Decoded(pair[0]).SequenceEqual("a"u8.ToArray()));
                exact.Matches(text).ShouldBe(first is not null && Decoded(first.Length == 2 ? first[1] : "").SequenceEqual("b c"u8.ToArray()));
            },
            Encoding.ASCII);

        static byte[] Decoded(string text)
        {
            List<byte> bytes = [];
            for (var i = 0; i < text.Length; i++)
            {
                if (text[i] == '%' && i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]))
                {
                    bytes.Add(Convert.ToByte(text.Substring(i + 1, 2), 16));
                    i += 2;
                }
                else
                {
                    bytes.AddRange(Encoding.UTF8.GetBytes(text[i].ToString()));
                }
            }

            return [.. bytes];
        }
    }
}
