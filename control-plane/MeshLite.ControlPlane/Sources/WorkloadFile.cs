using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Sources;

/// <summary>What a control plane knows of workloads when it stops.</summary>
public sealed record SavedWorkloads(ImmutableArray<WorkloadRegistration> Workloads, ImmutableArray<ServiceKey> KnownServices)
{
    /// <summary>Nothing.</summary>
    public static readonly SavedWorkloads Empty = new([], []);
}

/// <summary>The form of <c>workloads.json</c>. Pure.</summary>
internal static partial class WorkloadFile
{
    /// <summary>Throws <see cref="JsonException"/> or <see cref="FormatException"/> on anything that <see cref="Format"/> does not write.</summary>
    public static SavedWorkloads Parse(ReadOnlySpan<byte> json)
    {
        var document = JsonSerializer.Deserialize(json, FileContext.Default.Document) ?? throw new FormatException("empty");
        return new SavedWorkloads([.. document.Workloads.Select(entry => ToModel(Some(entry)))], [.. document.KnownServices.Select(service => ToService(Some(service)))]);
    }

    /// <summary>To bytes.</summary>
    public static byte[] Format(SavedWorkloads state) => JsonSerializer.SerializeToUtf8Bytes(
        new Document(
            [.. state.Workloads.Select(w => new Entry(
                w.Key.Namespace, w.Key.ServiceAccount, w.Key.Name, w.Service, w.Address.ToString(), w.AppPort, new(w.Labels, StringComparer.Ordinal), w.Ready, w.Draining,
                w.Transparent, w.UncapturedPorts.IsEmpty ? null : [.. w.UncapturedPorts],
                w.FurtherAddresses.IsEmpty ? null : [.. w.FurtherAddresses.Select(a => a.ToString())]))],
            [.. state.KnownServices.Select(s => s.ToString())]),
        FileContext.Default.Document);

    private static WorkloadRegistration ToModel(Entry entry) => new()
    {
        Key = new WorkloadKey(entry.Namespace, entry.ServiceAccount, entry.Name),
        Service = entry.Service,
        Address = IPEndPoint.Parse(entry.Address),
        AppPort = entry.AppPort,
        Labels = entry.Labels.ToImmutableSortedDictionary(label => label.Key, label => Some(label.Value), StringComparer.Ordinal),
        Ready = entry.Ready,
        Draining = entry.Draining,
        Transparent = entry.Transparent,
        UncapturedPorts = [.. entry.UncapturedPorts ?? []],
        FurtherAddresses = [.. (entry.FurtherAddresses ?? []).Select(address => IPAddress.Parse(Some(address)))],
    };

    // The serializer looks for null in fields, not in lists.
    private static T Some<T>(T? item)
        where T : class => item ?? throw new FormatException("null in a list");

    private static ServiceKey ToService(string text) =>
        text.Split('/') is [var ns, var name] ? new ServiceKey(ns, name) : throw new FormatException($"'{text}' is not namespace/service");

    private sealed record Document(List<Entry> Workloads, List<string> KnownServices);

    private sealed record Entry(
        string Namespace, string ServiceAccount, string Name, string Service, string Address, int AppPort, Dictionary<string, string> Labels, bool Ready, bool Draining,
        bool Transparent = false, int[]? UncapturedPorts = null, string[]? FurtherAddresses = null);

    [JsonSerializable(typeof(Document))]
    [JsonSourceGenerationOptions(
        PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
    private sealed partial class FileContext : JsonSerializerContext;
}
