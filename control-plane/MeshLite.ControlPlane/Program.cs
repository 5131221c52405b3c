using MeshLite.ControlPlane;
using MeshLite.Hosting;

return await CommandLineRunner.RunAsync(ControlPlaneCommand.Create(ControlPlaneStartup.RunAsync), args);
