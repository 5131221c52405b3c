using System.Net;
using System.Text.Json;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes;

/// <summary>
/// The API server said no. Its message names verb, resource and object. That no answer came is an
/// <see cref="HttpRequestException"/>, or a <see cref="TimeoutException"/>.
/// </summary>
public sealed class KubernetesException(HttpStatusCode statusCode, KubernetesReason reason, string message) : Exception(message)
{
    /// <summary>Whether <paramref name="error"/> is one of those that <see cref="KubernetesClient"/> throws when the server refuses, is away, or talks nonsense.</summary>
    public static bool IsServerFailure(Exception error) => error is KubernetesException or HttpRequestException or TimeoutException or JsonException;

    /// <summary>Status of the response.</summary>
    public HttpStatusCode StatusCode => statusCode;

    /// <summary>What it means.</summary>
    public KubernetesReason Reason => reason;

    /// <summary>How long the server wants to be left alone; null where it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Which fields were wrong, where the server says so.</summary>
    public IReadOnlyList<StatusCause> Causes { get; init; } = [];
}

/// <summary>Why a request failed, after <c>metav1.StatusReason</c>.</summary>
public enum KubernetesReason
{
    /// <summary>Anything else; look at the status code.</summary>
    Other,

    /// <summary>400.</summary>
    BadRequest,

    /// <summary>401.</summary>
    Unauthorized,

    /// <summary>403: no right, or an admission webhook's refusal.</summary>
    Forbidden,

    /// <summary>404: no such object, or no such kind.</summary>
    NotFound,

    /// <summary>409: a create of what exists.</summary>
    AlreadyExists,

    /// <summary>409: the object is no longer at the version that the write named, or an apply met another manager's field.</summary>
    Conflict,

    /// <summary>410: the resource version is gone from the server's memory (reasons <c>Gone</c> and <c>Expired</c>). List again.</summary>
    Expired,

    /// <summary>422: <see cref="KubernetesException.Causes"/> say which fields.</summary>
    Invalid,

    /// <summary>429.</summary>
    TooManyRequests,

    /// <summary>500 and 503.</summary>
    ServerError,

    /// <summary>504 and the server's own timeouts; also a resource version that this server has not reached yet.</summary>
    Timeout,
}
