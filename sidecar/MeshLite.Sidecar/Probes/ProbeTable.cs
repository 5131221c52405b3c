using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using MeshLite.Hosting;

namespace MeshLite.Sidecar.Probes;

/// <summary>
/// Reads <c>--probes</c>, which injection writes: an object of <c>CONTAINER/KIND</c> to the handler as Kubernetes writes it, ports by number:
/// <code>{"app/liveness": {"httpGet": {"path": "/live", "port": 8080}, "timeoutSeconds": 3}, "app/readiness": {"grpc": {"port": 9090}}}</code>
/// KIND: <c>liveness, readiness, startup, postStart, preStop</c>. What it does not know is an error. Pure.
/// </summary>
internal static class ProbeTable
{
    private static readonly FrozenSet<string> Kinds = FrozenSet.Create(StringComparer.Ordinal, "liveness", "readiness", "startup", "postStart", "preStop");

    /// <summary>No probes.</summary>
    public static readonly FrozenDictionary<string, ApplicationProbe> Empty = FrozenDictionary<string, ApplicationProbe>.Empty;

    /// <summary>Null and empty are no probes. Throws <see cref="StartupException"/>.</summary>
    public static FrozenDictionary<string, ApplicationProbe> Parse(string option, string? json)
    {
        if (string.IsNullOrEmpty(json))
        {
            return Empty;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.EnumerateObject().ToFrozenDictionary(probe => probe.Name, probe => Probe(probe.Name, probe.Value), StringComparer.Ordinal);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            // InvalidOperationException: of another type than it must be; ArgumentException: twice.
            throw StartupException.WrongOption(option, e.Message);
        }
    }

    private static ApplicationProbe Probe(string key, JsonElement json)
    {
        if (key.Split('/') is not [{ Length: > 0 }, var kind] || !Kinds.Contains(kind))
        {
            throw new FormatException($"'{key}' is not CONTAINER/KIND, with KIND one of {string.Join(", ", Kinds.Order(StringComparer.Ordinal))}");
        }

        var timeout = kind is "postStart" or "preStop" ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(1);
        (string Name, JsonElement Value)? handler = null;
        foreach (var field in json.EnumerateObject())
        {
            if (field.Name == "timeoutSeconds")
            {
                timeout = TimeSpan.FromSeconds(field.Value.GetInt32());
            }
            else if (handler is not null)
            {
                throw new FormatException($"{key}: both {handler.Value.Name} and {field.Name}");
            }
            else
            {
                handler = (field.Name, field.Value);
            }
        }

        return handler?.Name switch
        {
            "httpGet" => Http(key, handler.Value.Value, timeout),
            "tcpSocket" => new TcpProbe(Port(key, Fields(key, handler.Value.Value, "port")), timeout),
            "grpc" when Fields(key, handler.Value.Value, "port", "service") is var fields => new GrpcProbe(Port(key, fields), timeout, Text(fields, "service")),
            _ => throw new FormatException($"{key}: needs one of httpGet, tcpSocket, grpc"),
        };
    }

    private static HttpProbe Http(string key, JsonElement json, TimeSpan timeout)
    {
        var fields = Fields(key, json, "port", "path", "scheme", "httpHeaders");
        var scheme = Text(fields, "scheme");
        if (scheme is not ("" or "HTTP" or "HTTPS"))
        {
            throw new FormatException($"{key}: scheme '{scheme}' is neither HTTP nor HTTPS");
        }

        var path = Text(fields, "path");
        var headers = fields.TryGetValue("httpHeaders", out var list)
            ? list.EnumerateArray().Select(header => Fields(key, header, "name", "value")).Select(header => (Text(header, "name"), Text(header, "value"))).ToImmutableArray()
            : [];
        return new HttpProbe(Port(key, fields), timeout, scheme == "HTTPS", path.StartsWith('/') ? path : "/" + path, headers);
    }

    private static Dictionary<string, JsonElement> Fields(string key, JsonElement json, params ReadOnlySpan<string> known)
    {
        var fields = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var field in json.EnumerateObject())
        {
            if (!known.Contains(field.Name))
            {
                throw new FormatException($"{key}: unknown field '{field.Name}'");
            }

            fields[field.Name] = field.Value;
        }

        return fields;
    }

    private static string Text(Dictionary<string, JsonElement> fields, string name) => fields.TryGetValue(name, out var value) ? value.GetString() ?? "" : "";

    private static int Port(string key, Dictionary<string, JsonElement> fields) =>
        fields.TryGetValue("port", out var value) && value.TryGetInt32(out var port) && port is > 0 and <= 65535 ? port : throw new FormatException($"{key}: needs a port, 1 to 65535");
}
