using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes;

/// <summary>The kinds of Kubernetes that are used here. Any other is made with <see cref="Raw"/>.</summary>
public static class ResourceTypes
{
    /// <summary>Read only: the record has not every field.</summary>
    public static readonly ResourceType<Service> Services = new("", "v1", "services", "Service", true, KubernetesJson.Default.Service);

    /// <summary>Read only: the record has not every field.</summary>
    public static readonly ResourceType<Pod> Pods = new("", "v1", "pods", "Pod", true, KubernetesJson.Default.Pod);

    /// <summary>Read only: the record has not every field.</summary>
    public static readonly ResourceType<Namespace> Namespaces = new("", "v1", "namespaces", "Namespace", false, KubernetesJson.Default.Namespace);

    /// <summary>Read only: the record has not every field.</summary>
    public static readonly ResourceType<EndpointSlice> EndpointSlices =
        new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true, KubernetesJson.Default.EndpointSlice);

    /// <summary>Opaque values and certificates.</summary>
    public static readonly ResourceType<Secret> Secrets = new("", "v1", "secrets", "Secret", true, KubernetesJson.Default.Secret);

    /// <summary>Plain values.</summary>
    public static readonly ResourceType<ConfigMap> ConfigMaps = new("", "v1", "configmaps", "ConfigMap", true, KubernetesJson.Default.ConfigMap);

    /// <summary>Who leads.</summary>
    public static readonly ResourceType<Lease> Leases = new("coordination.k8s.io", "v1", "leases", "Lease", true, KubernetesJson.Default.Lease);

    /// <summary>What happened to an object, for people.</summary>
    public static readonly ResourceType<KubernetesEvent> Events = new("events.k8s.io", "v1", "events", "Event", true, KubernetesJson.Default.KubernetesEvent);

    /// <summary>Definitions of kinds.</summary>
    public static readonly ResourceType<RawObject> CustomResourceDefinitions =
        Raw("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", isNamespaced: false);

    /// <summary>Webhooks that change what is stored.</summary>
    public static readonly ResourceType<RawObject> MutatingWebhookConfigurations =
        Raw("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", isNamespaced: false);

    /// <summary>Webhooks that refuse what would be stored.</summary>
    public static readonly ResourceType<RawObject> ValidatingWebhookConfigurations =
        Raw("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", isNamespaced: false);

    /// <summary>A kind whose objects stay JSON, whole.</summary>
    public static ResourceType<RawObject> Raw(string group, string version, string plural, string kind, bool isNamespaced) =>
        new(group, version, plural, kind, isNamespaced, RawObject.JsonInfo);
}
