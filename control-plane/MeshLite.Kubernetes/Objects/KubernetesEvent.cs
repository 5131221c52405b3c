using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>Something that happened to an object, for people (events.k8s.io/v1).</summary>
public sealed record KubernetesEvent : IKubernetesObject
{
    /// <summary>Group and version.</summary>
    public string ApiVersion { get; set; } = "events.k8s.io/v1";

    /// <summary>Kind.</summary>
    public string Kind { get; set; } = "Event";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; set; } = new();

    /// <summary>When it happened first. Required.</summary>
    [JsonConverter(typeof(MicroTime))]
    public DateTimeOffset? EventTime { get; set; }

    /// <summary><c>Normal</c> or <c>Warning</c>.</summary>
    public string Type { get; set; } = "Normal";

    /// <summary>Why, as one word in PascalCase; at most 128 characters.</summary>
    public string Reason { get; set; } = "";

    /// <summary>What was done, as one word in PascalCase; at most 128 characters. Required.</summary>
    public string Action { get; set; } = "";

    /// <summary>The sentence; at most 1024 bytes.</summary>
    public string Note { get; set; } = "";

    /// <summary>The object it is about.</summary>
    public ObjectReference Regarding { get; set; } = new();

    /// <summary>Program that says so: <c>meshlite.dev/control-plane</c>.</summary>
    public string ReportingController { get; set; } = "";

    /// <summary>Which of its instances; at most 128 characters.</summary>
    public string ReportingInstance { get; set; } = "";

    /// <summary>Set once it happened again.</summary>
    public EventSeries? Series { get; set; }
}

/// <summary>How often an event happened again.</summary>
public sealed record EventSeries
{
    /// <summary>Times.</summary>
    public int Count { get; set; }

    /// <summary>Last time.</summary>
    [JsonConverter(typeof(MicroTime))]
    public DateTimeOffset? LastObservedTime { get; set; }
}
